"""The preparations that the bundle ships."""

from __future__ import annotations

from collections.abc import Sequence

from monai.bundle import ConfigParser

import cyclevox
from preprocessing.scan import CohortStep, Step


def shipped_steps(*recipes: str) -> dict[str, tuple[Step, ...]]:
    """Steps by domain, with the numbers of the configuration where they could be fitted to a cohort.

    Args:
        recipes: names of those laid over the bundle's own, such as "hip".
    """
    folder = cyclevox.bundle_path() / "configs"
    configs = [folder / "preprocess.json", *(folder / "recipes" / f"{recipe}.json" for recipe in recipes)]
    parser = ConfigParser(ConfigParser.load_config_files([str(config) for config in configs]))
    steps: dict[str, Sequence[Step | CohortStep]] = parser.get_parsed_content("steps")
    return {
        domain: tuple(step.fit(()) if isinstance(step, CohortStep) else step for step in sequence)
        for domain, sequence in steps.items()
    }
