"""Test patients with everything that is compared: translations, and the answers that need no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.arrays import Volume
from evaluation.case_volumes import CaseVolume, read_case
from evaluation.case_window import WindowSetting
from evaluation.image_metrics import windowed_mae
from evaluation.naive import ContextFreeMap, Example, fit_context_free_map, input_answer, mean_target
from evaluation.statistics import summarise
from preprocessing.cohort import Case, Cohort
from preprocessing.window import FixedWindow, PercentileWindow

SETTINGS: dict[str, WindowSetting] = {
    "mr": PercentileWindow(percentile=99.5),
    "ct": FixedWindow(low=-150.0, high=350.0, unit="HU"),
}
"""Windows that the scores are taken in: those of the quick start."""

NAIVE = ("input", "mean_target")
"""The naive answers that the demonstration has to beat by a stated margin."""


@dataclass(frozen=True, kw_only=True)
class ComparedPatient:
    """One test patient.

    Args:
        case: Name of the source case.
        source: Prepared source volume.
        truth: True target volume on its grid.
        answers: By name, a target volume on the same grid, in the target's unit.
    """

    case: str
    source: CaseVolume
    truth: CaseVolume
    answers: Mapping[str, Volume]

    def errors(self) -> dict[str, float]:
        """Return the windowed mean absolute error of every answer inside the body, in grey levels 0..255."""
        return {
            name: windowed_mae(answer, self.truth.array, window=self.truth.window, mask=self.truth.mask)
            for name, answer in self.answers.items()
        }


@dataclass(frozen=True, kw_only=True)
class NaiveAnswers:
    """What can be answered without a network.

    Args:
        average: Mean of the training targets, in HU.
        windowed_average: The same of targets clipped to the window first, in HU; the stronger answer, as air
            does not pull down the borders that move from patient to patient.
        lookup: Best map from input level to target level, fitted on true pairs of training patients.
    """

    average: Volume
    windowed_average: Volume
    lookup: ContextFreeMap

    @classmethod
    def fit(cls, cohort: Cohort, truth: Cohort) -> NaiveAnswers:
        """Fit on training patients alone.

        Args:
            cohort: The prepared cohort, for the mean target.
            truth: Prepared true pairs of its training MR, for the lookup.
        """
        targets = [read(case) for case in cohort.select(domain="ct", split="train")]
        window = targets[0].window
        windowed = mean_target(window.forward(target.array) for target in targets)
        pairs = [(case, truth.partner(case)) for case in truth.select(domain="mr", split="train")]
        examples = [_example(case, partner) for case, partner in pairs if partner is not None]
        return cls(
            average=mean_target(target.array for target in targets),
            windowed_average=window.backward(windowed),
            lookup=fit_context_free_map(examples),
        )

    def of(self, source: CaseVolume, truth: CaseVolume) -> dict[str, Volume]:
        """Return the naive answers for a patient by name."""
        return {
            "input": input_answer(source.array, input_window=source.window, target_window=truth.window),
            "mean_target": self.average,
            "mean_windowed_target": self.windowed_average,
            "lut": self.lookup(source.array, input_window=source.window),
        }


def compared_patients(
    cohort: Cohort, predictions: Mapping[str, Cohort], *, naive: NaiveAnswers
) -> list[ComparedPatient]:
    """Gather every paired test patient of a cohort with predictions and naive answers.

    Args:
        cohort: The prepared cohort.
        predictions: By name, the translated test patients.
        naive: What can be answered without a network.
    """
    pairs = [(case, cohort.partner(case)) for case in cohort.select(domain="mr", split="test")]
    return [_compared(case, partner, predictions, naive) for case, partner in pairs if partner is not None]


def summarise_patients(patients: Sequence[ComparedPatient]) -> dict[str, Any]:
    """Return the errors of every answer, per patient and over patients, with the ratios to the naive ones."""
    errors = {patient.case: patient.errors() for patient in patients}
    names = list(next(iter(errors.values())))
    over = {name: summarise([one[name] for one in errors.values()]) for name in names}
    means = {name: summary.mean for name, summary in over.items()}
    return {
        "metric": "windowed MAE in grey levels 0..255 of [-150, 350] HU, noise-free truth, inside the body",
        "patients": errors,
        "mean": means,
        "interval_95": {name: list(summary.interval) for name, summary in over.items()},
        "ratio_to_naive": means["translation"] / min(means[name] for name in NAIVE),
        "ratio_to_mean_windowed_target": means["translation"] / means["mean_windowed_target"],
        "ratio_to_lut": means["translation"] / means["lut"],
    }


def read(case: Case) -> CaseVolume:
    """Read a case in the window that the scores are taken in."""
    return read_case(case, setting=SETTINGS[case.domain])


def _compared(
    case: Case, partner: Case, predictions: Mapping[str, Cohort], naive: NaiveAnswers
) -> ComparedPatient:
    source, truth = read(case), read(partner)
    translated = {name: read(predicted[case.case]).array for name, predicted in predictions.items()}
    return ComparedPatient(
        case=case.case, source=source, truth=truth, answers={**translated, **naive.of(source, truth)}
    )


def _example(case: Case, partner: Case) -> Example:
    source, target = read(case), read(partner)
    return Example(
        image=source.array,
        target=target.array,
        mask=target.mask,
        input_window=source.window,
        target_window=target.window,
    )
