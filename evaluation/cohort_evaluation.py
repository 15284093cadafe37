"""Judge a cohort of predictions against the cohort that was translated."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from evaluation.arrays import Plane, axis_of
from evaluation.case_metrics import image_measurements, information_measurements, label_measurements
from evaluation.case_volumes import in_units_of, read_case, refuse_other_grid
from evaluation.case_window import WindowSetting
from evaluation.metric_table import Measurement, summarise_metrics, write_metrics, write_summary
from evaluation.pairs import UnpairedError, reference_of, source_of
from evaluation.statistics import LEVEL
from preprocessing.cohort import Case, Cohort, read_cohort
from preprocessing.volume import read_labels


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """What an evaluation gave.

    Args:
        measurements: rows of metrics.csv.
        failed: name and message of each case of which a part could not be judged.
        summary: content of summary.json; it names files without their folders, which may name a patient.
    """

    measurements: tuple[Measurement, ...]
    failed: tuple[tuple[str, str], ...]
    summary: Mapping[str, object]


class CohortEvaluation:
    """Measure every case of a cohort of predictions and write metrics.csv and summary.json.

    The truth of a prediction is the case of its name and domain, else that case's verified pair. The mutual
    information with the source, and overlaps of labels, need no pair. A case that fails never stops the rest.

    Args:
        cohort: table or folder of the cohort with sources and truths.
        predictions: table or folder of the predictions; `domain` says what was predicted.
        output: folder for metrics.csv and summary.json.
        windows: for each domain, an intensity window, or the preprocessing steps that choose one.
        plane: plane of the slices for per-slice metrics (the paper's is coronal).
        structures: names of label values (JSON has only strings for keys).
    """

    def __init__(
        self,
        *,
        cohort: Path | str,
        predictions: Path | str,
        output: Path | str,
        windows: Mapping[str, WindowSetting],
        plane: Plane = "coronal",
        structures: Mapping[int, str] | Mapping[str, str] | None = None,
    ) -> None:
        axis_of(plane)
        self._cohort, self._predictions, self._output = Path(cohort), Path(predictions), Path(output)
        self._windows = dict(windows)
        self._plane: Plane = plane
        self._structures = {int(value): name for value, name in (structures or {}).items()}

    def run(self) -> EvaluationReport:
        """Judge all cases and write both files.

        Raises:
            CohortError: a table is faulty.
            ValueError: a predicted domain has no window.
        """
        cohort, predictions = read_cohort(self._cohort), read_cohort(self._predictions)
        for case in predictions:
            self._setting(case)
        measurements: list[Measurement] = []
        failed: list[tuple[str, str]] = []
        for case in tqdm(predictions, desc="evaluate", unit="case"):
            for judge in (self._judge_image, self._judge_information, self._judge_labels):
                try:
                    measurements.extend(judge(case, cohort))
                except (ValueError, OSError, RuntimeError) as error:
                    failed.append((case.case, str(error)))
        return self._write(measurements, failed, cohort, predictions)

    def _judge_image(self, case: Case, cohort: Cohort) -> Iterator[Measurement]:
        truth = reference_of(case, cohort)
        prediction = read_case(case, setting=self._setting(case))
        reference = read_case(truth, setting=self._setting(truth))
        refuse_other_grid(
            prediction.image, reference.image, what=f"case {case.case}, file {case.image}", than=truth.case
        )
        return image_measurements(in_units_of(prediction, case, reference), reference, plane=self._plane)

    def _judge_information(self, case: Case, cohort: Cohort) -> Iterator[Measurement]:
        origin = source_of(case, cohort)
        if origin is None:
            return iter(())
        prediction = read_case(case, setting=self._setting(case))
        source = read_case(origin, setting=self._setting(origin))
        refuse_other_grid(
            prediction.image, source.image, what=f"case {case.case}, file {case.image}", than="its source"
        )
        return information_measurements(prediction, source, plane=self._plane)

    def _judge_labels(self, case: Case, cohort: Cohort) -> Iterator[Measurement]:
        truth = self._labelled(case, cohort)
        if case.label is None or truth is None or truth.label is None:
            return iter(())
        prediction = read_labels(case.label, case=case.case)
        reference = read_labels(truth.label, case=truth.case)
        refuse_other_grid(
            prediction,
            reference,
            what=f"case {case.case}, file {case.label}",
            than=f"the labels of {truth.case}",
        )
        return label_measurements(case.case, prediction, reference, structures=self._structures)

    def _labelled(self, case: Case, cohort: Cohort) -> Case | None:
        # The source's own labels lie on the very anatomy that was translated: no registration stands between.
        source = source_of(case, cohort)
        if source is not None and source.label is not None:
            return source
        try:
            return reference_of(case, cohort)
        except UnpairedError:
            return None

    def _setting(self, case: Case) -> WindowSetting:
        if case.domain not in self._windows:
            raise ValueError(
                f"case {case.case}: expected a window for domain {case.domain!r}, found windows for "
                f"{sorted(self._windows)}; name one in `windows`"
            )
        return self._windows[case.domain]

    def _write(
        self,
        measurements: list[Measurement],
        failed: list[tuple[str, str]],
        cohort: Cohort,
        predictions: Cohort,
    ) -> EvaluationReport:
        folders = _folders(cohort, predictions)
        patients = {case.case: case.patient for case in predictions}
        summary = {
            "cases": len(predictions),
            "failed": [{"case": case, "message": _without(folders, message)} for case, message in failed],
            "interval": f"{LEVEL:.0%} bootstrap of the mean over patients",
            "metrics": summarise_metrics(measurements, patients=patients),
        }
        write_metrics(self._output / "metrics.csv", measurements)
        write_summary(self._output / "summary.json", summary)
        return EvaluationReport(measurements=tuple(measurements), failed=tuple(failed), summary=summary)


def _folders(*cohorts: Cohort) -> list[str]:
    """Return every folder that holds a table or a file of cohorts, the longest first."""
    files = [cohort.table for cohort in cohorts]
    for case in (case for cohort in cohorts for case in cohort):
        files += [path for path in (case.image, case.label, case.mask) if path is not None]
    return sorted({f"{file.parent}{os.sep}" for file in files}, key=len, reverse=True)


def _without(folders: Iterable[str], message: str) -> str:
    for folder in folders:
        message = message.replace(folder, "") if folder != os.sep else message
    return message
