"""Write a JSON file, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preprocessing.atomic import write_text_atomically


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    write_text_atomically(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
