"""Cohorts and trainings small enough to be made in a test: a trunk of 20 x 4 x 16 voxels, narrow networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from laws import CENTRE_LPS, hounsfield, tissue, volume
from monai.bundle import ConfigWorkflow

import cyclevox
from pipelines.commands.bundle_run import run_bundle
from preprocessing.cohort import Case, write_cohort
from preprocessing.grid import Grid
from preprocessing.volume import write_volume

CONFIGS = cyclevox.bundle_path() / "configs"

SIZE, SPACING = (20, 4, 16), (6.0, 8.0, 7.0)
"""Along [R, A, S]; every axis differs, so that no two can be mistaken for each other."""

TINY = {
    "device": "cpu",
    "network_def::width": 4,
    "network_def::blocks": 1,
    "discriminator_width": 4,
    "pool_size": 2,
    "epoch_length": 2,
    "max_epochs": 2,
    "constant_iterations": 2,
    "decay_iterations": 2,
    "loss_interval": 1,
    "checkpoint_interval": 2,
    "val_interval": 1,
}
"""Overrides of train.json for a training of four iterations."""


def toy_grid(size: tuple[int, int, int] = SIZE) -> Grid:
    """Canonical grid around the trunk: indices grow to the patient's right, front and head."""
    towards = np.diag([-1.0, -1.0, 1.0])
    corner = np.array(CENTRE_LPS) - towards @ ((np.array(size) - 1) / 2 * SPACING)
    direction = tuple(towards.ravel().tolist())
    return Grid(size=size, spacing=SPACING, origin=tuple(corner.tolist()), direction=direction)


def toy_case(
    folder: Path,
    name: str,
    *,
    split: str = "train",
    pair: str | None = None,
    grid: Grid | None = None,
    function: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Case:
    """Write one patient's volume; `mr_...` is T1-like, `ct_...` in HU, each a little elsewhere."""
    domain = name.partition("_")[0]
    function = function or {"mr": tissue, "ct": hounsfield}[domain]
    # The same offset for both scans of a pair, whatever their names are.
    offset = 3.0 * (sum(map(ord, name.partition("_")[2])) % 5)
    image = folder / f"{name}.nii.gz"
    write_volume(volume(grid or toy_grid(), lambda where: function(where + offset)), image)
    patient = name.partition("_")[2] if "pair" in name else name
    return Case(
        case=name,
        patient=patient,
        domain=domain,
        image=image,
        label=None,
        mask=None,
        pair=pair,
        split=split,
    )


def toy_cohort(folder: Path, *, validation: bool = True) -> Path:
    """Write two MR and two CT for training, an MR for validation, and a test pair; no sidecars."""
    cases = [toy_case(folder, name) for name in ("mr_1", "mr_2", "ct_1", "ct_2")]
    if validation:
        cases.append(toy_case(folder, "mr_3", split="validation"))
    cases.append(toy_case(folder, "mr_pair1", split="test", pair="ct_pair1"))
    cases.append(toy_case(folder, "ct_pair1", split="test"))
    write_cohort(folder / "cohort.csv", cases)
    return folder


def train(cohort: Path, output: Path, *configs: Path | str, **overrides: Any) -> list[Any]:
    """Train in this process, as `cyclevox train` does."""
    places = {"dataset_dir": str(cohort), "output_dir": str(output)}
    return run_bundle([CONFIGS / "train.json", *configs], {**TINY, **places, **overrides}, run_id="training")


def workflow(
    config: str, *overlays: Path | str, workflow_type: str | None = None, **overrides: Any
) -> ConfigWorkflow:
    """A config of the bundle, initialised but not run."""
    built = ConfigWorkflow(
        config_file=[str(CONFIGS / config), *map(str, overlays)],
        meta_file=str(CONFIGS / "metadata.json"),
        logging_file=str(CONFIGS / "logging.conf"),
        workflow_type=workflow_type,
        **overrides,
    )
    built.initialize()
    return built


def training(cohort: Path, output: Path, **overrides: Any) -> ConfigWorkflow:
    """A tiny training, built when its `trainer` is asked for."""
    places = {"dataset_dir": str(cohort), "output_dir": str(output)}
    return workflow("train.json", workflow_type="train", **{**TINY, **places, **overrides})
