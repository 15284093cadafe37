"""The preparation record beside a volume, if there is one."""

from __future__ import annotations

import json
from pathlib import Path

from preprocessing.provenance import Provenance, read_provenance, record_path


def stored_provenance(image: Path) -> Provenance | None:
    """Return the record that `cyclevox prepare` left beside a volume; None if it left none.

    A JSON file of another make with the same stem, such as a BIDS sidecar, counts as none.

    Args:
        image: The volume, `<name>.nii.gz` or `<name>.nii`.

    Raises:
        ValueError: If a record of ours is there but damaged.
    """
    path = record_path(image)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    ours = isinstance(content, dict) and "recipe_hash" in content
    return read_provenance(path) if ours else None
