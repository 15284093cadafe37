"""Preparation steps from their configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai.bundle import ConfigParser

from preprocessing.scan import Step


def build_steps(configs: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Build preparation steps from their configs.

    Args:
        configs: Each with `_target_` and the step's arguments, as a sidecar or a model folder stores them.

    Returns:
        The steps in order.
    """
    steps: list[Step] = ConfigParser({"steps": [dict(config) for config in configs]}).get_parsed_content(
        "steps"
    )
    return steps
