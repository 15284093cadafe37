"""The demonstration: a digital hip cohort, from nothing to a judged synthetic CT, on two cores.

Run it with `python -m pipelines.studies.demo OUT`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from evaluation.figures.rows import PictureRow, error_row, picture_rows
from pipelines.model.environment import environment
from pipelines.model.model_folder import read_model, weights_file
from pipelines.studies import workflows
from pipelines.studies.comparison import ComparedPatient, NaiveAnswers, compared_patients, summarise_patients
from pipelines.studies.study_folder import claim_folder
from pipelines.studies.supervised_bound import SupervisedBound, train_supervised_bound
from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import read_cohort
from preprocessing.phantom.cohort import write_phantom_cohort

THREADS = max(len(os.sched_getaffinity(0)) // 2, 1)
"""Processor threads of each of the two trainings that run side by side."""

DEMO_SEED = 2018
"""Seed of cohort and training; settings were tried on phantoms of other seeds (0, 500 and 1000)."""

SHOWN_ERROR = 150.0
"""HU at which the error row's colours end."""

SHOWN_PATIENTS = 4
"""Test patients in the picture."""


@dataclass(frozen=True, kw_only=True)
class DemoSize:
    """How large the demonstration is.

    Args:
        mr: Unpaired MR patients.
        ct: Unpaired CT patients.
        pairs: Test patients with a true CT.
        seed: Of the phantom cohort and of the training.
        overrides: Settings of the training config by id.
        supervised_iterations: Steps of the supervised bound.
    """

    mr: int = 24
    ct: int = 24
    pairs: int = 8
    seed: int = DEMO_SEED
    overrides: Mapping[str, Any] = field(default_factory=dict)
    supervised_iterations: int = 1000

    @property
    def training(self) -> dict[str, Any]:
        """Settings of the training config, the seed among them."""
        return {"seed": self.seed, **self.overrides}


def run_demo(out: Path, size: DemoSize) -> dict[str, Any]:
    """Make a cohort, prepare it, train, translate the test patients and compare with what needs no network.

    Args:
        out: Folder for everything.
        size: How much of it.

    Returns:
        What `summary.json` holds.
    """
    started = time.monotonic()
    claim_folder(out, asdict(size))
    torch.set_num_threads(THREADS)
    write_prepared_phantoms(out, size)
    # The bound needs nothing of the unpaired training, so it takes the other half of the machine.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        bound = beside.submit(train_supervised_bound, supervised_bound(out, size))
        workflows.train(out / "prepared", out / "run", overlay="quickstart", overrides=size.training)
        bound.result()
    translate_and_evaluate(out)
    patients = judge(out)
    draw(patients[:SHOWN_PATIENTS], out / "demo.png")
    summary = summarise_patients(patients) | {
        "seconds": round(time.monotonic() - started, 1),
        "seed": size.seed,
        "environment": environment(),
    }
    write_text_atomically(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


def write_prepared_phantoms(out: Path, size: DemoSize) -> None:
    """Write the phantom cohort and prepare it, and its true pairs, by the quick start's recipe."""
    # The table is written last, so where it stands the cohort is whole.
    if not (out / "phantom" / "cohort.csv").exists():
        write_phantom_cohort(
            out / "phantom", mr=size.mr, ct=size.ct, pairs=size.pairs, seed=size.seed, size=64, workers=2
        )
    workflows.prepare(out / "phantom" / "cohort.csv", out / "prepared", overlay="quickstart")
    workflows.prepare(out / "phantom" / "truth.csv", out / "prepared_truth", overlay="quickstart")


def supervised_bound(out: Path, size: DemoSize) -> SupervisedBound:
    """Describe the training of the quick start's generator on true pairs."""
    config = workflows.training_config("quickstart", size.training)
    return SupervisedBound(
        truth=out / "prepared_truth",
        network=config["network_def"],
        source=config["source"],
        target=config["target"],
        plane=config["plane"],
        weights=weights_file(out / "supervised" / "model", config["target"]),
        iterations=size.supervised_iterations,
        learning_rate=config["learning_rate"],
        seed=size.seed,
        threads=THREADS,
    )


def translate_and_evaluate(out: Path) -> None:
    """Translate the test patients with both models and measure the unpaired one by the bundle's workflows."""
    model = read_model(out / "run" / "model")
    replace(model, folder=out / "supervised" / "model").write()
    workflows.translate(out / "prepared", out / "translated", model=model.folder, to=model.target)
    supervised = out / "supervised"
    workflows.translate(
        out / "prepared", supervised / "translated", model=supervised / "model", to=model.target
    )
    workflows.evaluate(out / "prepared", out / "evaluation", predictions=out / "translated")


def judge(out: Path) -> list[ComparedPatient]:
    """Gather the test patients of a finished demonstration."""
    cohort = read_cohort(out / "prepared")
    predictions = {
        "translation": read_cohort(out / "translated"),
        "supervised_bound": read_cohort(out / "supervised" / "translated"),
    }
    naive = NaiveAnswers.fit(cohort, read_cohort(out / "prepared_truth"))
    return compared_patients(cohort, predictions, naive=naive)


def draw(patients: Sequence[ComparedPatient], path: Path) -> None:
    """Draw each patient's middle coronal slice: MR, synthetic CT, true CT, error and supervised bound."""
    truth = [patient.truth.array for patient in patients]
    window = patients[0].truth.window
    synthetic = [patient.answers["translation"] for patient in patients]
    sources = [patient.source for patient in patients]
    bound = [patient.answers["supervised_bound"] for patient in patients]
    picture_rows(
        [
            PictureRow(
                title="MR",
                volumes=[source.array for source in sources],
                windows=[source.window for source in sources],
            ),
            PictureRow(title="synthetic CT", volumes=synthetic, windows=window),
            PictureRow(title="true CT", volumes=truth, windows=window),
            error_row(synthetic, truth, limit=SHOWN_ERROR, unit="HU"),
            PictureRow(title="CT trained on\ntrue pairs", volumes=bound, windows=window),
        ],
        plane="coronal",
        spacing=patients[0].truth.spacing,
        path=path,
        title="Digital hip phantom: patients never seen in training",
        slices=[truth[0].shape[1] // 2] * len(patients),
        columns=[patient.case for patient in patients],
    )


def report(summary: Mapping[str, Any], out: Path) -> str:
    """Return the closing words: every answer's error, and where picture and numbers are."""
    lines = ["Windowed MAE on patients never seen in training (grey levels 0..255, lower is better):"]
    for name, value in sorted(summary["mean"].items(), key=lambda entry: entry[1]):
        low, high = summary["interval_95"][name]
        lines.append(f"  {name:17s} {value:6.2f}   95 % interval {low:.2f} to {high:.2f}")
    lines += [
        f"  translation / better of input and mean_target: {summary['ratio_to_naive']:.3f}",
        f"  translation / mean_windowed_target: {summary['ratio_to_mean_windowed_target']:.3f}",
        f"Took {summary['seconds'] / 60:.1f} minutes.",
        f"Picture: {out / 'demo.png'}",
        f"Numbers: {out / 'summary.json'}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the demonstration and say where its picture and numbers are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write, for example runs/demo")
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="seed of the cohort and of the training")
    arguments = parser.parse_args()
    summary = run_demo(arguments.out, DemoSize(seed=arguments.seed))
    print(report(summary, arguments.out))  # noqa: T201  (what the demonstration is for)


if __name__ == "__main__":
    main()
