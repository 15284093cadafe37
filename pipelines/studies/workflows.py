"""The bundle's workflows as a study calls them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

import cyclevox
from pipelines.commands.bundle_run import run_bundle
from pipelines.model.model_folder import MODEL_FILE


def prepare(cohort: Path, out: Path, *, overlay: Path | str) -> None:
    """Prepare a cohort by `preprocess.json` under an overlay."""
    run_bundle([_config("preprocess"), overlay], {"dataset_dir": str(cohort), "output_dir": str(out)})


def train(cohort: Path, out: Path, *, overlay: Path | str, overrides: Mapping[str, Any]) -> None:
    """Train by `train.json` under an overlay, continuing a run that was interrupted."""
    places = {"dataset_dir": str(cohort), "output_dir": str(out)}
    resume = any((out / "checkpoints").glob("*.pt"))
    run_bundle([_config("train"), overlay], {**overrides, **places, "resume": resume}, run_id="training")


def training_config(overlay: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `train.json` under one of the bundle's overlays and overrides, nothing in it resolved."""
    parser = ConfigParser(ConfigParser.load_config_files([str(_config("train")), str(_config(overlay))]))
    parser.update(dict(overrides))
    config: dict[str, Any] = parser.get()
    return config


def translate(cohort: Path, out: Path, *, model: Path, to: str, split: str = "test") -> None:
    """Translate one split of a cohort by `inference.json`."""
    places = {"dataset_dir": str(cohort), "output_dir": str(out), "model_dir": str(model)}
    run_bundle([_config("inference"), model / MODEL_FILE], {**places, "to": to, "split": split})


def evaluate(cohort: Path, out: Path, *, predictions: Path) -> None:
    """Measure a cohort of predictions by `evaluate.json`."""
    places = {"dataset_dir": str(cohort), "output_dir": str(out), "predictions": str(predictions)}
    run_bundle([_config("evaluate")], places)


def _config(name: str) -> Path:
    return cyclevox.bundle_path() / "configs" / f"{name}.json"
