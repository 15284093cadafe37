"""The demonstration: a digital hip cohort, from nothing to a judged synthetic CT, on two cores.

Run it with `python -m pipelines.studies.demo OUT`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cyclevox
from evaluation.case_volumes import CaseVolume, read_case
from evaluation.figures.rows import PictureRow, error_row, picture_rows
from evaluation.image_metrics import windowed_mae
from evaluation.naive import Example, fit_context_free_map, input_answer, mean_target
from evaluation.statistics import summarise
from pipelines.commands.bundle_run import run_bundle
from pipelines.studies.supervised_bound import train_supervised_bound
from pipelines.model.environment import environment
from pipelines.model.model_folder import read_model
from preprocessing.cohort import Case, Cohort, read_cohort
from preprocessing.phantom.cohort import write_phantom_cohort
from preprocessing.window import FixedWindow, PercentileWindow

WINDOWS = {
    "mr": PercentileWindow(percentile=99.5),
    "ct": FixedWindow(low=-150.0, high=350.0, unit="HU"),
}
"""Windows the scores are taken in: those of the quick start."""

SHOWN_ERROR = 150.0
"""HU at which the error row's colours end."""


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
    seed: int = 0
    overrides: dict[str, Any] | None = None
    supervised_iterations: int = 1500


@dataclass(frozen=True, kw_only=True)
class TestPatient:
    """One test patient with everything that is compared.

    Args:
        case: Name of the source case.
        source: Prepared MR.
        truth: Noise-free CT on its grid.
        answers: By name, a CT in HU on the same grid.
    """

    case: str
    source: CaseVolume
    truth: CaseVolume
    answers: dict[str, Any]

    def errors(self) -> dict[str, float]:
        """Return the windowed mean absolute error of every answer inside the body, in grey levels 0..255."""
        return {
            name: windowed_mae(answer, self.truth.array, window=self.truth.window, mask=self.truth.mask)
            for name, answer in self.answers.items()
        }


def run_demo(out: Path, size: DemoSize) -> dict[str, Any]:
    """Make a cohort, prepare it, train, translate the test patients and compare with what needs no network.

    Args:
        out: Folder for everything.
        size: How much of it.

    Returns:
        What `summary.json` holds.
    """
    started = time.monotonic()
    prepare_phantoms(out, size)
    cohort, truth = read_cohort(out / "prepared"), read_cohort(out / "prepared_truth")
    train_and_translate(out, size)
    bound = train_supervised_bound(
        truth,
        model=read_model(out / "run" / "model"),
        folder=out / "supervised" / "model",
        iterations=size.supervised_iterations,
        seed=size.seed,
    )
    _translate(out / "prepared", out / "supervised" / "translated", bound.folder)
    patients = compare(
        cohort,
        truth,
        {
            "translation": read_cohort(out / "translated"),
            "supervised_bound": read_cohort(out / "supervised" / "translated"),
        },
    )
    draw(patients, out / "demo.png")
    summary = summarise_patients(patients) | {
        "seconds": round(time.monotonic() - started, 1),
        "seed": size.seed,
        "environment": environment(),
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def prepare_phantoms(out: Path, size: DemoSize) -> None:
    """Write the phantom cohort and prepare it, and its true pairs, by the quick start's recipe."""
    write_phantom_cohort(out / "phantom", mr=size.mr, ct=size.ct, pairs=size.pairs, seed=size.seed, size=64)
    for table, prepared in (("cohort.csv", "prepared"), ("truth.csv", "prepared_truth")):
        places = {"dataset_dir": str(out / "phantom" / table), "output_dir": str(out / prepared)}
        run_bundle([_config("preprocess"), "quickstart"], places)


def train_and_translate(out: Path, size: DemoSize) -> None:
    """Train on the unpaired patients, translate the test patients and evaluate them by the bundle's workflows."""
    overrides = {"seed": size.seed, **(size.overrides or {})}
    places = {"dataset_dir": str(out / "prepared"), "output_dir": str(out / "run")}
    run_bundle([_config("train"), "quickstart"], {**overrides, **places}, run_id="training")
    _translate(out / "prepared", out / "translated", out / "run" / "model")
    places = {"dataset_dir": str(out / "prepared"), "predictions": str(out / "translated")}
    run_bundle([_config("evaluate")], {**places, "output_dir": str(out / "evaluation")})


def compare(cohort: Cohort, truth: Cohort, predictions: dict[str, Cohort]) -> list[TestPatient]:
    """Gather every test patient's true CT, the predictions of it and the answers that need no network.

    Args:
        cohort: The prepared cohort.
        truth: The same MR, each with its true CT as pair; the context-free map is fitted on its training patients.
        predictions: By name, translated test patients.
    """
    average = mean_target(_read(case).array for case in cohort.select(domain="ct", split="train"))
    pairs = [(case, truth.partner(case)) for case in truth.select(domain="mr", split="train")]
    lookup = fit_context_free_map([_example(case, partner) for case, partner in pairs if partner is not None])
    patients = []
    for case in cohort.select(domain="mr", split="test"):
        partner = cohort.partner(case)
        if partner is None:
            continue
        source, target = _read(case), _read(partner)
        answers = {name: _read(predicted[case.case]).array for name, predicted in predictions.items()} | {
            "input": input_answer(source.array, input_window=source.window, target_window=target.window),
            "mean_target": average,
            "lut": lookup(source.array, input_window=source.window),
        }
        patients.append(TestPatient(case=case.case, source=source, truth=target, answers=answers))
    return patients


def summarise_patients(patients: Sequence[TestPatient]) -> dict[str, Any]:
    """Return the errors of every answer, per patient and over patients, with the demonstration's ratio."""
    errors = {patient.case: patient.errors() for patient in patients}
    names = list(next(iter(errors.values())))
    over = {name: summarise([one[name] for one in errors.values()]) for name in names}
    means = {name: summary.mean for name, summary in over.items()}
    return {
        "metric": "windowed MAE in grey levels 0..255 of [-150, 350] HU, noise-free truth, inside the body",
        "patients": errors,
        "mean": means,
        "interval_95": {name: list(summary.interval) for name, summary in over.items()},
        "ratio_to_naive": means["translation"] / min(means["input"], means["mean_target"]),
        "ratio_to_lut": means["translation"] / means["lut"],
    }


def draw(patients: Sequence[TestPatient], path: Path, *, shown: int = 4) -> None:
    """Draw the middle coronal slice of the first patients: MR, synthetic CT, true CT, error, supervised CT."""
    patients = patients[:shown]
    truth = [patient.truth.array for patient in patients]
    window = patients[0].truth.window
    synthetic = [patient.answers["translation"] for patient in patients]
    middle = truth[0].shape[1] // 2
    picture_rows(
        [
            (
                "MR",
                [patient.source.array for patient in patients],
                [patient.source.window for patient in patients],
            ),
            ("synthetic CT", synthetic, window),
            ("true CT", truth, window),
            error_row(synthetic, truth, limit=SHOWN_ERROR, unit="HU"),
            PictureRow(
                title="CT trained on\ntrue pairs",
                volumes=[patient.answers["supervised_bound"] for patient in patients],
                windows=window,
            ),
        ],
        plane="coronal",
        spacing=patients[0].truth.spacing,
        path=path,
        title="Digital hip phantom, patients not seen in training",
        slices=[middle] * len(patients),
        columns=[patient.case for patient in patients],
    )


def _translate(cohort: Path, out: Path, model: Path) -> None:
    places = {"dataset_dir": str(cohort), "output_dir": str(out), "model_dir": str(model)}
    run_bundle([_config("inference"), model / "model.json"], {**places, "to": "ct", "split": "test"})


def _config(name: str) -> Path:
    return cyclevox.bundle_path() / "configs" / f"{name}.json"


def _read(case: Case) -> CaseVolume:
    return read_case(case, setting=WINDOWS[case.domain])


def _example(case: Case, partner: Case) -> Example:
    source, target = _read(case), _read(partner)
    return Example(
        image=source.array,
        target=target.array,
        mask=target.mask,
        input_window=source.window,
        target_window=target.window,
    )


def main() -> None:
    """Run the demonstration and say where its picture and numbers are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write, for example runs/demo")
    parser.add_argument("--seed", type=int, default=0, help="seed of the cohort and of the training")
    arguments = parser.parse_args()
    summary = run_demo(arguments.out, DemoSize(seed=arguments.seed))
    print("\nWindowed MAE on patients never seen in training (grey levels, lower is better):")
    for name, value in sorted(summary["mean"].items(), key=lambda entry: entry[1]):
        low, high = summary["interval_95"][name]
        print(f"  {name:17s} {value:6.2f}   95 % interval {low:.2f} to {high:.2f}")
    print(f"  translation / best of input and mean_target: {summary['ratio_to_naive']:.3f}")
    print(f"Picture: {arguments.out / 'demo.png'}\nNumbers: {arguments.out / 'summary.json'}")


if __name__ == "__main__":
    main()
