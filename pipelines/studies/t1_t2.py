"""T1 to T2 on real heads: every patient with both is left out once, and a scan of another hospital looked at.

Run it with `python -m pipelines.studies.t1_t2 DATA OUT`, DATA with the folders `open_ms` and
`volume_rendering_stroke`; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.commands.bundle_run import run_bundle
from pipelines.model.model_folder import read_model
from pipelines.studies import workflows
from pipelines.studies.open_ms import (
    TARGET,
    HeadPatient,
    all_scans,
    head_patients,
    outside_pair,
    registered_pairs,
    registered_t2,
    unpaired_fold,
)
from pipelines.studies.supervised_bound import SupervisedBound, train_supervised_bound
from pipelines.studies.t1_t2_answers import judged_cases, score_table, source_truth_consistency
from pipelines.studies.t1_t2_page import direction_table, draw, write_page
from pipelines.studies.transform_direction import direction_information
from preprocessing.cohort import read_cohort, write_cohort
from preprocessing.volume import write_volume

RECIPE = "recipes/t1_t2"
"""Overlay of preprocess.json, train.json and evaluate.json."""

PICTURES = {"test": "t1_t2.png", "outside": "t1_t2_outside.png"}
"""Of the left-out patients, and of the outside case."""

TOY_GRID = {"reference_spacing": [8.0, 8.0, 12.0], "reference_size": [24, 28, 12]}
TOY_STEPS = {"max_epochs": 1, "epoch_length": 2, "constant_iterations": 1, "decay_iterations": 1}
"""A few steps on a coarse grid, to see that everything runs."""


@dataclass(frozen=True, kw_only=True)
class StudySize:
    """How large the study is.

    Args:
        preparation: Settings of the preparation by id.
        training: Settings of the training by id.
        supervised_iterations: Steps of the supervised bound.
        seed: Of every training.
    """

    preparation: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    supervised_iterations: int = 2000
    seed: int = 0


TOY = StudySize(preparation=TOY_GRID, training=TOY_STEPS, supervised_iterations=2)


def run_study(data: Path, out: Path, size: StudySize) -> None:
    """Prepare all scans, train a fold for every patient with both images, judge it, and the outside case.

    Args:
        data: Folder with `open_ms` and `volume_rendering_stroke`.
        out: Folder for everything; `scores.csv` is rewritten after every fold, finished folds are kept.
        size: How much of it.
    """
    patients = head_patients(data / "open_ms")
    prepare_scans(patients, out, size)
    prepare_outside(data / "volume_rendering_stroke", out, size)
    for patient in patients:
        if patient.t2 is not None:
            run_fold(out, patient.name, size)
            judge_study(out)


def prepare_scans(patients: list[HeadPatient], out: Path, size: StudySize) -> None:
    """Write every registered T2, and prepare all scans by the recipe."""
    for patient in patients:
        path = out / "registered" / f"{patient.name}_t2_registered.nii.gz"
        if patient.t2 is not None and not path.exists():
            write_volume(registered_t2(patient), path)
    write_cohort(out / "scans" / "cohort.csv", all_scans(patients, registered=out / "registered"))
    _prepare(out / "scans", out / "prepared", size)


def prepare_outside(folder: Path, out: Path, size: StudySize) -> None:
    """Prepare the outside case by the same recipe."""
    write_cohort(out / "outside" / "cohort.csv", outside_pair(folder))
    _prepare(out / "outside", out / "outside_prepared", size)


def run_fold(out: Path, held_out: str, size: StudySize) -> None:
    """Train without one patient, translate him and the outside case, and judge; unless that is done.

    Args:
        out: The study's folder.
        held_out: The patient left out.
        size: How much training.
    """
    fold = out / "folds" / held_out
    if (fold / "finished.json").exists():
        return
    prepared = read_cohort(out / "prepared")
    write_cohort(fold / "cohort.csv", unpaired_fold(prepared, held_out))
    write_cohort(fold / "pairs.csv", registered_pairs(prepared, held_out))
    began = time.monotonic()
    workflows.train(fold, fold / "run", overlay=RECIPE, overrides={"seed": size.seed, **size.training})
    trained = time.monotonic()
    model = fold / "run" / "model"
    bound = add_bound(fold, size)
    for name, cohort in (("test", fold), ("outside", out / "outside_prepared")):
        workflows.translate(cohort, fold / name / "translation", model=model, to=TARGET)
        workflows.translate(cohort, fold / name / "supervised_bound", model=bound, to=TARGET)
        _evaluate(cohort, fold / name / "evaluation", predictions=fold / name / "translation")
    minutes = {"training": (trained - began) / 60, "bound and answers": (time.monotonic() - trained) / 60}
    (fold / "finished.json").write_text(json.dumps({"minutes": minutes}, indent=2) + "\n")


def add_bound(fold: Path, size: StudySize) -> Path:
    """Train the fold's generator anew on the other patients' registered pairs; return its model folder.

    Args:
        fold: Folder of the fold, with a trained model and `pairs.csv`.
        size: How much training.
    """
    model = read_model(fold / "run" / "model")
    bound = replace(model, folder=fold / "supervised" / "model", iteration=size.supervised_iterations)
    bound.write()
    train_supervised_bound(
        SupervisedBound(
            truth=fold / "pairs.csv",
            network=model.network,
            source=model.source,
            target=model.target,
            plane=model.plane,
            weights=bound.weights(TARGET),
            iterations=size.supervised_iterations,
            learning_rate=workflows.training_config(RECIPE, size.training)["learning_rate"],
            seed=size.seed,
        )
    )
    return bound.folder


def judge_study(out: Path) -> dict[str, pd.DataFrame]:
    """Score and draw what is finished, and return the scores of the test cases and of the outside case.

    Args:
        out: The study's folder; `scores_test.csv`, `scores_outside.csv` and the pictures are rewritten.
    """
    scores = {}
    for part, title in (("test", "Heads never seen in training"), ("outside", "A head of another hospital")):
        cases = judged_cases(out, part)
        folds = [case.fold.removeprefix("p") for case in cases]
        heads = [f"patient {name}" if part == "test" else f"trained without {name}" for name in folds]
        draw(cases, out / PICTURES[part], columns=heads, title=title)
        scores[part] = score_table(cases)
        scores[part].to_csv(out / f"scores_{part}.csv", index=False)
    return scores


def document(data: Path, out: Path, docs: Path, *, command: str) -> None:
    """Write the study's page and pictures into the documentation.

    Args:
        data: As `run_study`.
        out: As `run_study`, finished.
        docs: Folder of the documentation.
        command: What the reader should call to do it again.
    """
    scores = judge_study(out)
    consistency = source_truth_consistency(judged_cases(out, "test"))
    patients = [patient for patient in head_patients(data / "open_ms") if patient.t2 is not None]
    direction = direction_table({patient.name: direction_information(patient) for patient in patients})
    facts = {"direction": direction, "command": command, "consistency": consistency}
    write_page(docs / "results" / "t1_t2.md", scores=scores, facts={**facts, **_facts(out)})
    for name in PICTURES.values():
        (docs / "images").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(out / name, docs / "images" / name)


def _facts(out: Path) -> dict[str, str]:
    folds = sorted(path.parent for path in (out / "folds").glob("*/finished.json"))
    about = json.loads((folds[0] / "run" / "environment.json").read_text())
    config = json.loads((folds[0] / "run" / "config.json").read_text())
    model = read_model(folds[0] / "run" / "model")
    minutes = [json.loads((fold / "finished.json").read_text())["minutes"] for fold in folds]
    spent = ", ".join(f"{sum(one[part] for one in minutes):.0f} for {part}" for part in minutes[0])
    return {
        "revision": str(about["revision"]),
        "system": about["system"],
        "threads": str(about["threads"]),
        "spacing": " x ".join(f"{edge:g}" for edge in model.spacing),
        "size": " x ".join(str(count) for count in model.size),
        "iterations": str(model.iteration),
        "width": str(model.network["width"]),
        "blocks": str(model.network["blocks"]),
        "kind": config["gradient_consistency_kind"],
        "weight": f"{config['gradient_consistency_weight']:g}",
        "minutes": f"Minutes by the clock, {len(folds)} folds together: {spent}.",
    }


def _prepare(cohort: Path, out: Path, size: StudySize) -> None:
    places = {"dataset_dir": str(cohort), "output_dir": str(out)}
    run_bundle(["preprocess", RECIPE], {**size.preparation, **places})


def _evaluate(cohort: Path, out: Path, *, predictions: Path) -> None:
    places = {"dataset_dir": str(cohort), "output_dir": str(out), "predictions": str(predictions)}
    run_bundle(["evaluate", RECIPE], places)


def main() -> None:
    """Run the study and write its page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with open_ms and volume_rendering_stroke")
    parser.add_argument("out", type=Path, help="folder to write, for example runs/t1_t2")
    parser.add_argument(
        "--docs", type=Path, help="documentation to write page and pictures to; else OUT/docs"
    )
    parser.add_argument(
        "--toy", action="store_true", help="a few steps on a coarse grid, to see that it runs"
    )
    arguments = parser.parse_args()
    run_study(arguments.data, arguments.out, TOY if arguments.toy else StudySize())
    command = "OMP_NUM_THREADS=1 python -m pipelines.studies.t1_t2 DATA runs/t1_t2 --docs docs"
    document(arguments.data, arguments.out, arguments.docs or arguments.out / "docs", command=command)


if __name__ == "__main__":
    main()
