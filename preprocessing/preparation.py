"""Prepare a whole cohort: each domain by its own steps, partners on one grid, bad cases listed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from preprocessing.case_preparation import SUFFIX_OF_ROLE, CaseResult, CaseTask, prepare_case, prepare_scan
from preprocessing.cohort import TABLE_NAME, Case, Cohort, read_cohort, write_cohort
from preprocessing.grid import Grid
from preprocessing.nifti import read_header
from preprocessing.provenance import read_provenance, record_path
from preprocessing.reslice import ToGrid, ToReferenceGrid
from preprocessing.scan import Step

__all__ = ["CohortPreparation", "PreparationError", "PreparationReport", "prepare_scan"]


class PreparationError(ValueError):
    """A cohort cannot be prepared at all; the message says why, for each case."""


@dataclass(frozen=True, kw_only=True)
class PreparationReport:
    """What became of a cohort.

    Args:
        prepared: names of the cases written now.
        unchanged: names of the cases that stood already.
        failed: name and reason of every case that could not be prepared.
    """

    prepared: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


class CohortPreparation:
    """Volumes of a cohort on their reference grids, with masks, windows and records.

    Args:
        cohort: the cohort, its table, or the folder of its table.
        output: folder for `<case>.nii.gz`, `<case>_label.nii.gz`, `<case>_mask.nii.gz`, `<case>.json` and the
            table `cohort.csv` of what was prepared.
        steps: steps in order, by domain.
        fixed: domain that sets the grid of a pair; the partner is resliced onto its prepared grid.
    """

    def __init__(
        self,
        *,
        cohort: Cohort | Path | str,
        output: Path | str,
        steps: Mapping[str, Sequence[Step]],
        fixed: str,
    ) -> None:
        """Remember the task; nothing is read yet."""
        self.cohort = cohort
        self.output = Path(output).absolute()
        self.steps = {domain: tuple(sequence) for domain, sequence in steps.items()}
        self.fixed = fixed

    def run(self) -> PreparationReport:
        """Prepare every case; run again, only what has changed.

        Raises:
            CohortError: if the cohort table is faulty.
            PreparationError: if output, domains or pairs do not fit the cohort, or every case failed.
        """
        cohort = self.cohort if isinstance(self.cohort, Cohort) else read_cohort(self.cohort)
        self._check(cohort)
        with tqdm(total=len(cohort), desc="prepare", unit="case", disable=None) as bar:
            results: dict[str, CaseResult] = {}
            # Partners come last: the grid they are resliced onto must stand by then.
            for case in sorted(cohort, key=lambda case: self._fixed_partner(cohort, case) is not None):
                results[case.case] = self._prepare(cohort, case, results)
                bar.update()
        report = _report([results[case.case] for case in cohort])
        if len(report.failed) == len(cohort):
            reasons = "".join(f"\n  - {message}" for _, message in report.failed)
            raise PreparationError(f"cohort {cohort.table}: no case could be prepared{reasons}")
        self._write_table(cohort, results)
        return report

    def _check(self, cohort: Cohort) -> None:
        if cohort.table == self.output / TABLE_NAME:
            raise PreparationError(
                f"output {self.output}: would overwrite the cohort itself; name another folder"
            )
        self._refuse_overwriting(cohort)
        unknown = [domain for domain in cohort.domains if domain not in self.steps]
        if unknown or self.fixed not in self.steps:
            found = f"cohort domains {list(cohort.domains)} and fixed domain {self.fixed!r}"
            raise PreparationError(
                f"{cohort.table}: expected domains with steps, {list(self.steps)}, found {found}"
            )
        for case in cohort:
            partner = cohort.partner(case)
            if partner is not None and self.fixed not in (case.domain, partner.domain):
                found = f"{case.domain!r} and {partner.domain!r}"
                raise PreparationError(
                    f"case {case.case}, pair {partner.case}: expected one of fixed domain {self.fixed!r}, "
                    f"found {found}; set `fixed` to one of them"
                )

    def _refuse_overwriting(self, cohort: Cohort) -> None:
        sources = {
            path.resolve(): case.case
            for case in cohort
            for path in (case.image, case.label, case.mask)
            if path is not None
        }
        for case in cohort:
            for suffix in SUFFIX_OF_ROLE.values():
                path = (self.output / f"{case.case}{suffix}.nii.gz").resolve()
                if path in sources:
                    raise PreparationError(
                        f"case {case.case}: would overwrite {path}, a source of case {sources[path]}; "
                        "name another output folder"
                    )

    def _fixed_partner(self, cohort: Cohort, case: Case) -> Case | None:
        return None if case.domain == self.fixed else cohort.partner(case)

    def _prepare(self, cohort: Cohort, case: Case, results: Mapping[str, CaseResult]) -> CaseResult:
        steps = self.steps[case.domain]
        fixed = self._fixed_partner(cohort, case)
        if fixed is None:
            return prepare_case(CaseTask(case=case, steps=steps, output=self.output))
        if results[fixed.case].state == "failed":
            message = (
                f"case {case.case}: its partner {fixed.case} could not be prepared; mend that case first"
            )
            return CaseResult(case=case.case, state="failed", message=message)
        grid = read_header(self.output / f"{fixed.case}.nii.gz").grid
        return prepare_case(CaseTask(case=case, steps=onto_grid(steps, grid), output=self.output, grid=grid))

    def _write_table(self, cohort: Cohort, results: Mapping[str, CaseResult]) -> None:
        done = {name for name, result in results.items() if result.state != "failed"}
        cases = [self._prepared_case(case, done) for case in cohort if case.case in done]
        write_cohort(self.output / TABLE_NAME, cases)

    def _prepared_case(self, case: Case, done: Collection[str]) -> Case:
        files = {role: self.output / f"{case.case}{suffix}.nii.gz" for role, suffix in SUFFIX_OF_ROLE.items()}
        written = read_provenance(record_path(files["image"])).outputs
        return replace(
            case,
            image=files["image"],
            label=files["label"] if "label" in written else None,
            mask=files["mask"] if "mask" in written else None,
            pair=case.pair if case.pair in done else None,
        )


def onto_grid(steps: Sequence[Step], grid: Grid) -> tuple[Step, ...]:
    """Steps that end on a given grid, where they would have chosen one of their own.

    Args:
        steps: the steps of the domain.
        grid: the prepared partner's grid.
    """
    return tuple(_on(grid, step) if isinstance(step, ToReferenceGrid) else step for step in steps)


def _on(grid: Grid, step: ToReferenceGrid) -> ToGrid:
    return ToGrid(
        size=grid.size,
        spacing=grid.spacing,
        origin=grid.origin,
        direction=grid.direction,
        outside=step.outside,
    )


def _report(results: Iterable[CaseResult]) -> PreparationReport:
    listed = list(results)
    return PreparationReport(
        prepared=tuple(result.case for result in listed if result.state == "prepared"),
        unchanged=tuple(result.case for result in listed if result.state == "unchanged"),
        failed=tuple((result.case, result.message) for result in listed if result.state == "failed"),
    )
