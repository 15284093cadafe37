"""Prepare a whole cohort: each domain by its own steps, partners on one grid, bad cases listed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from preprocessing.case_preparation import CaseResult, CaseTask, prepare_scan
from preprocessing.cohort import TABLE_NAME, Case, Cohort, read_cohort, write_cohort
from preprocessing.engine_choice import open_engine, sensible_workers
from preprocessing.output_folder import claim, refuse_sources, release
from preprocessing.pair_order import VISIBLE_SECONDS, prepare_all, visible
from preprocessing.picture import PLANES
from preprocessing.preparation_report import (
    PreparationReport,
    pair_verdict,
    report_of,
    write_report,
)
from preprocessing.prepared_files import PreparedFiles
from preprocessing.prepared_table import prepared_rows
from preprocessing.provenance import decisive_versions, read_provenance
from preprocessing.scan import CohortStep, PairStep, Step

__all__ = ["CohortPreparation", "PreparationError", "PreparationReport", "prepare_scan"]

FEW_BYTES = 2 << 20
"""Less than this in image files is prepared in process before processes have started and shared it."""


class PreparationError(ValueError):
    """A cohort cannot be prepared at all; the message says why, for each case."""


class CohortPreparation:
    """Volumes of a cohort on their reference grids, with masks, windows and records.

    Args:
        cohort: the cohort, its table, or the folder of its table.
        output: folder for `<case>.nii.gz`, `<case>_label.nii.gz`, `<case>_mask.nii.gz`, `<case>.json` and the
            table `cohort.csv` of what was prepared.
        steps: steps in order, by domain; those that must see the cohort are fitted to it once.
        fixed: domain that sets the grid of a pair; the partner is brought onto its prepared grid.
        registration: brings a candidate for a pair there; None leaves candidates by themselves.
        workers: processes on this machine; 0 works in this process; None takes one for each core, or none
            where the cohort is small. Scripts that ask for processes need `if __name__ == "__main__"`.
        scheduler: address of a Dask scheduler whose workers do the work; they must see the same files.
        plane: sagittal, coronal or axial: of the small pictures.
    """

    def __init__(
        self,
        *,
        cohort: Cohort | Path | str,
        output: Path | str,
        steps: Mapping[str, Sequence[Step | CohortStep]],
        fixed: str,
        registration: PairStep | None = None,
        workers: int | None = 0,
        scheduler: str | None = None,
        plane: str = "coronal",
    ) -> None:
        """Remember the task; nothing is read yet."""
        self.cohort = cohort
        self.output = Path(output).absolute()
        self.steps = {domain: tuple(sequence) for domain, sequence in steps.items()}
        self.fixed = fixed
        self.registration = registration
        self.workers = workers
        self.scheduler = scheduler
        self.plane = plane

    def run(self) -> PreparationReport:
        """Prepare every case; run again, only what has changed.

        Raises:
            CohortError: if the cohort table is faulty.
            PreparationError: if domains, pairs or numbers do not fit the cohort, or every case failed.
            OutputError: if the output would overwrite what is not an earlier preparation's.
            EngineError: if the scheduler or its workers cannot be used.
        """
        cohort = self.cohort
        if not isinstance(cohort, Cohort):
            # One missing or damaged file is the failure of its case, not of the cohort.
            cohort = read_cohort(cohort, check_files=False)
        self._check(cohort)
        refuse_sources(self.output, cohort)
        steps = self._fitted(cohort)
        tasks = [self._task(cohort, case, steps[case.domain]) for case in cohort]
        with open_engine(
            workers=self._workers(cohort), scheduler=self.scheduler, check=decisive_versions
        ) as engine:
            claim(self.output, cohort)
            with tqdm(total=len(tasks), desc="prepare", unit="case", disable=None) as bar:
                results = prepare_all(tasks, engine, told=bar.update)
        return self._concluded(cohort, tasks, results)

    def _check(self, cohort: Cohort) -> None:
        if self.plane not in PLANES:
            raise PreparationError(f"expected a plane of {', '.join(PLANES)}, found {self.plane!r}")
        if self.workers is not None and self.workers < 0:
            raise PreparationError(f"expected 0 workers or more, found {self.workers}")
        unknown = [domain for domain in cohort.domains if domain not in self.steps]
        if unknown or self.fixed not in self.steps:
            found = f"cohort domains {list(cohort.domains)} and fixed domain {self.fixed!r}"
            raise PreparationError(
                f"{cohort.table}: expected domains with steps, {list(self.steps)}, found {found}"
            )
        for case in cohort:
            partner, _ = self._partner(cohort, case)
            if partner is not None and self.fixed not in (case.domain, partner.domain):
                found = f"{case.domain!r} and {partner.domain!r}"
                raise PreparationError(
                    f"case {case.case}, pair {partner.case}: expected one of fixed domain {self.fixed!r}, "
                    f"found {found}; set `fixed` to one of them"
                )

    def _partner(self, cohort: Cohort, case: Case) -> tuple[Case | None, PairStep | None]:
        """Partner of a case, and what brings the two together if they are not registered yet."""
        partner = cohort.partner(case)
        if partner is not None or self.registration is None:
            return partner, None
        return cohort.candidate(case), self.registration

    def _fitted(self, cohort: Cohort) -> dict[str, tuple[Step, ...]]:
        known: list[tuple[CohortStep, Step]] = []

        def fit(step: Step | CohortStep) -> Step:
            if not isinstance(step, CohortStep):
                return step
            for fitted, result in known:
                if fitted == step:
                    return result
            known.append((step, step.fit(cohort.cases)))
            return known[-1][1]

        return {domain: tuple(fit(step) for step in self.steps[domain]) for domain in cohort.domains}

    def _task(self, cohort: Cohort, case: Case, steps: tuple[Step, ...]) -> CaseTask:
        task = CaseTask(case=case, steps=steps, output=self.output, plane=self.plane)
        partner, registration = self._partner(cohort, case)
        if partner is None or case.domain == self.fixed:
            return task
        return replace(task, fixed=partner.case, registration=registration)

    def _workers(self, cohort: Cohort) -> int:
        if self.workers is not None:
            return self.workers
        size = sum(case.image.stat().st_size for case in cohort if case.image.is_file())
        workers = sensible_workers(len(cohort))
        return workers if size >= FEW_BYTES and workers > 1 else 0

    def _concluded(
        self, cohort: Cohort, tasks: Sequence[CaseTask], results: Mapping[str, CaseResult]
    ) -> PreparationReport:
        patience = time.monotonic() + VISIBLE_SECONDS
        listed = [visible(task, results[task.case.case], until=patience) for task in tasks]
        failed = [result for result in listed if result.state == "failed"]
        if len(failed) == len(listed):
            release(self.output)
            reasons = "".join(f"\n  - {result.message}" for result in listed)
            raise PreparationError(f"cohort {cohort.table}: no case could be prepared{reasons}")
        for result in failed:
            # What an earlier run made of it is not what its source and steps make now.
            PreparedFiles(self.output, result.case).remove()
        done = [task for task, result in zip(tasks, listed, strict=True) if result.state != "failed"]
        pairs = [
            pair_verdict(read_provenance(task.files.record), fixed=task.fixed)
            for task in done
            if task.registration is not None and task.fixed is not None
        ]
        write_cohort(self.output / TABLE_NAME, prepared_rows(done, pairs))
        report = report_of(listed, pairs)
        write_report(self.output, report, cohort)
        release(self.output)
        return report
