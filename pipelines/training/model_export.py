"""Writing the model folder from a training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events

from evaluation.arrays import Plane
from pipelines.data.items import common_grid
from pipelines.data.recipes import StepConfig, on_reference_grid, reference_for
from pipelines.data.sidecar import stored_provenance
from pipelines.data.slices import UnpairedSliceDataset
from pipelines.model.environment import software_versions
from pipelines.model.model_folder import TranslationModel, weights_file
from pipelines.model.weights import save_weights
from pipelines.training.cyclegan import CycleGAN
from pipelines.training.run_folder import RunFolder
from preprocessing.cohort import Case, Cohort, CohortError
from preprocessing.intensity_window import IntensityWindow
from preprocessing.orientation import CanonicalOrientation
from preprocessing.provenance import file_hash, step_config
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import Step
from preprocessing.window import FixedWindow

PERCENTILES = (1, 25, 50, 75, 99)
"""Percentiles of the windowed training intensities that the model folder keeps."""


class ModelExport:
    """Keep `model/` up to date: both generators' weights, and what a translation needs to know beside them.

    Args:
        run: The run folder.
        cohort: The training cohort.
        networks: The CycleGAN in training.
        dataset: Its training slices.
        source: Name of domain A.
        target: Name of domain B.
        plane: Plane of the slices.
        windows: By domain, the steps that find the window of a volume without a sidecar.
        interval: Iterations between exports; one is made at the end as well.
    """

    def __init__(
        self,
        *,
        run: RunFolder,
        cohort: Cohort,
        networks: CycleGAN,
        dataset: UnpairedSliceDataset,
        source: str,
        target: str,
        plane: Plane,
        windows: Mapping[str, Sequence[Step]],
        interval: int,
    ) -> None:
        self.run = run
        self.networks = networks
        self.interval = interval
        cases = {domain: cohort.select(domain=domain, split="train") for domain in (source, target)}
        spacing, size = common_grid([case for group in cases.values() for case in group])
        self.description: dict[str, Any] = {
            "folder": run.path / "model",
            "source": source,
            "target": target,
            "plane": plane,
            "spacing": spacing,
            "size": size,
            "windows": {
                source: _common_window(dataset.data["a"]),
                target: _common_window(dataset.data["b"]),
            },
            "recipes": {domain: _recipe(group, spacing, size, windows) for domain, group in cases.items()},
            "training_range": {
                source: _percentiles(dataset.volumes_a),
                target: _percentiles(dataset.volumes_b),
            },
            "cohort_hash": _cohort_hash([case for group in cases.values() for case in group]),
        }

    def attach(self, engine: Engine) -> None:
        """Export at every interval and at the end."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.export)
        engine.add_event_handler(Events.COMPLETED, self.export)

    def export(self, engine: Engine) -> TranslationModel:
        """Write weights and description."""
        model = TranslationModel(
            **self.description,
            network=self.run.resolved("network_def"),
            inferer=self.run.resolved("slice_inferer"),
            iteration=engine.state.iteration,
            versions=software_versions(),
        )
        save_weights(self.networks.generator_ab, weights_file(model.folder, model.target))
        save_weights(self.networks.generator_ba, weights_file(model.folder, model.source))
        model.write()
        return model


def _common_window(items: Sequence[Mapping[str, Any]]) -> IntensityWindow:
    """Return the window that all volumes share, or the median one in nominal units where each has its own."""
    windows = [IntensityWindow.from_dict(item["window"]) for item in items]
    if len(set(windows)) == 1:
        return windows[0]
    low, high = np.median([[window.low, window.high] for window in windows], axis=0)
    return IntensityWindow(float(low), float(high), windows[0].unit)


def _recipe(
    cases: Sequence[Case],
    spacing: Sequence[float],
    size: Sequence[int],
    windows: Mapping[str, Sequence[Step]],
) -> list[dict[str, Any]]:
    """Return how a new scan of the domain is prepared: as the training volumes were."""
    records = [stored_provenance(case.image) for case in cases]
    recipes: list[list[StepConfig]] = [list(record.recipe) for record in records if record is not None]
    reference = reference_for(recipes, spacing=spacing, size=size)
    if reference is not None:
        recipes = [on_reference_grid(recipe, reference) for recipe in recipes]
    if recipes and (len(recipes) < len(cases) or any(recipe != recipes[0] for recipe in recipes)):
        fault = f"volumes of the domain {cases[0].domain!r} were prepared in different ways; use one recipe"
        raise CohortError(cases[0].image.parent, [fault])
    if recipes:
        return [dict(step) for step in recipes[0]]
    steps = windows[cases[0].domain]
    # What lies outside is black in the window, whatever the unit; a percentile window begins at 0.
    outside = min((float(step.low) for step in steps if isinstance(step, FixedWindow)), default=0.0)
    grid = ToReferenceGrid(spacing=tuple(spacing), size=tuple(size), outside=outside)
    return [dict(step_config(step)) for step in (CanonicalOrientation(), grid, *steps)]


def _percentiles(volumes: Sequence[torch.Tensor]) -> dict[str, float]:
    values = np.concatenate([volume.numpy().ravel() for volume in volumes])
    return {
        f"p{share}": float(value)
        for share, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)
    }


def _cohort_hash(cases: Sequence[Case]) -> str:
    digest = hashlib.sha256()
    for case in cases:
        digest.update(file_hash(case.image).encode())
    return digest.hexdigest()
