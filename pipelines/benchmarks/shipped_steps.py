"""The preparation of hips that the bundle ships."""

from __future__ import annotations

from collections.abc import Sequence

from monai.bundle import ConfigParser

import cyclevox
from preprocessing.cohort import Case
from preprocessing.scan import CohortStep, Step

RECIPE = "hip"


def hip_steps(cases: Sequence[Case] = ()) -> dict[str, tuple[Step, ...]]:
    """Steps by domain, fitted to a cohort.

    Args:
        cases: of the cohort; none leaves what the recipe says.
    """
    folder = cyclevox.bundle_path() / "configs"
    configs = [folder / "preprocess.json", folder / "recipes" / f"{RECIPE}.json"]
    parser = ConfigParser(ConfigParser.load_config_files([str(config) for config in configs]))
    steps: dict[str, list[Step | CohortStep]] = parser.get_parsed_content("steps")
    return {
        domain: tuple(step.fit(cases) if isinstance(step, CohortStep) else step for step in sequence)
        for domain, sequence in steps.items()
    }
