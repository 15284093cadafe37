"""A translator that changes nothing: what is left is the way there and back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from laws import GRIDS
from toys import CONFIGS

from evaluation.arrays import axis_of
from pipelines.commands.bundle_run import run_bundle
from pipelines.model.model_folder import TranslationModel
from pipelines.model.weights import save_weights
from pipelines.networks.resnet_generator import ResnetGenerator
from preprocessing.intensity_window import IntensityWindow

WINDOW = IntensityWindow(-150.0, 350.0, "HU")

SPACING, SIZE = (5.0, 6.0, 4.0), (28, 17, 22)
"""Of the test grids along [R, A, S]; no side is a multiple of 4 but one."""


@pytest.fixture(scope="session")
def make_model(tmp_path_factory) -> Callable[..., TranslationModel]:
    """Models whose two domains are in HU and share a window, so that an identity network changes nothing."""

    def make(*, spacing=SPACING, size=SIZE, plane="coronal", unit="HU") -> TranslationModel:
        window = IntensityWindow(WINDOW.low, WINDOW.high, unit)
        recipe = [
            {"_target_": "preprocessing.orientation.CanonicalOrientation"},
            {
                "_target_": "preprocessing.reslice.ToReferenceGrid",
                "spacing": list(spacing),
                "size": list(size),
                "outside": WINDOW.low,
                "centre": "image",
            },
            {
                "_target_": "preprocessing.window.FixedWindow",
                "low": WINDOW.low,
                "high": WINDOW.high,
                "unit": "HU",
            },
        ]
        model = TranslationModel(
            folder=tmp_path_factory.mktemp("identity"),
            source="mr",
            target="ct",
            plane=plane,
            spacing=spacing,
            size=size,
            windows={"mr": WINDOW, "ct": window},
            recipes={"mr": recipe, "ct": recipe},
            training_range={},
            network={
                "_target_": "pipelines.networks.resnet_generator.ResnetGenerator",
                "width": 4,
                "blocks": 1,
            },
            inferer={
                "_target_": "SliceInferer",
                "roi_size": [-1, -1],
                "sw_batch_size": 8,
                "spatial_dim": axis_of(plane),
            },
            iteration=0,
            versions={},
            cohort_hash="",
        )
        torch.manual_seed(0)
        for domain in ("mr", "ct"):
            save_weights(ResnetGenerator(width=4, blocks=1), model.weights(domain))
        model.write()
        return model

    return make


@pytest.fixture(scope="session")
def identity_model(make_model) -> TranslationModel:
    """The model on the grid that the test volumes have."""
    return make_model()


@pytest.fixture(scope="session")
def infer() -> Callable[..., Any]:
    """inference.json on an input, with an identity network or the model's own; gives the report."""

    def run(source: Path, output: Path, model: TranslationModel, *, identity: bool = True, **overrides: Any):
        places = {
            "dataset_dir": str(source),
            "output_dir": str(output),
            "model_dir": str(model.folder),
            "device": "cpu",
        }
        network = {"network": {"_target_": "torch.nn.Identity"}} if identity else {}
        configs = [CONFIGS / "inference.json", model.folder / "model.json"]
        return run_bundle(configs, {**places, **network, **overrides})[-1]

    return run


@pytest.fixture(scope="session")
def grids() -> dict:
    """Volumes as scanners store them."""
    return {name: GRIDS[name] for name in ("RAS", "LAS", "LPS", "coronal", "oblique", "oblique coronal")}
