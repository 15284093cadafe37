"""Choose, split, name and write the cases of a cohort."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preprocessing.cohort import SPLITS, TABLE_NAME, Case, read_cohort, write_cohort
from preprocessing.selection.candidates import candidates
from preprocessing.selection.choice import Choice, SelectionError
from preprocessing.selection.sources import choose_files, choose_series
from preprocessing.selection.split import SplitShares, split_patients

_DOMAIN = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class SelectionReport:
    """What was chosen.

    Args:
        table: the cohort's table.
        counts: cases by domain and split.
        patients: patients by split.
        candidates: pairs of cases that registration may join.
        written: False if the same table stood already.
    """

    table: Path
    counts: Mapping[str, Mapping[str, int]]
    patients: Mapping[str, int]
    candidates: int
    written: bool


class CohortSelection:
    """A cohort from the series of an import, or from the files of a folder.

    Args:
        source: series.csv of an import, or a folder of NIfTI files.
        output: folder of the new cohort.
        domains: for each domain the rule on the columns of series.csv, or the pattern of the files' paths.
        shares: of the splits; a patient is in one of them only.
        seed: another seed splits otherwise.
        pairs: whether scans of one patient in two domains become candidates of each other.
        patient: regular expression that finds the patient in a path; for a folder only.
        force: whether another table that stands in `output` is replaced.
    """

    def __init__(
        self,
        *,
        source: Path,
        output: Path,
        domains: Mapping[str, str],
        shares: SplitShares,
        seed: int = 0,
        pairs: bool = False,
        patient: str | None = None,
        force: bool = False,
    ) -> None:
        """Remember the task; nothing is read yet."""
        self.source = source.absolute()
        self.table = output.absolute() / TABLE_NAME
        self.domains = dict(domains)
        self.shares, self.seed, self.pairs = shares, seed, pairs
        self.patient, self.force = patient, force

    def run(self) -> SelectionReport:
        """Choose, check and write; nothing is written if anything is wrong.

        Raises:
            SelectionError: if the cases cannot be chosen as asked, or another cohort stands in the way.
            CohortError: if the chosen files do not make a cohort.
        """
        cases = self._cases(self._choices())
        written = self._write(cases)
        counts = {
            domain: {
                split: sum((case.domain, case.split) == (domain, split) for case in cases) for split in SPLITS
            }
            for domain in self.domains
        }
        splits = Counter({case.patient: case.split for case in cases}.values())
        return SelectionReport(
            table=self.table,
            counts=counts,
            patients={split: splits[split] for split in SPLITS},
            candidates=sum(case.candidate is not None for case in cases) // 2,
            written=written,
        )

    def _choices(self) -> list[Choice]:
        for domain in self.domains:
            if not _DOMAIN.fullmatch(domain):
                raise SelectionError(f"domain {domain!r}: expected a name of letters and digits, such as mr")
        if self.source.is_dir():
            return choose_files(self.source, self.domains, patient=self.patient)
        if self.patient is not None:
            raise SelectionError(
                f"{self.source}: has a column of patients; leave the expression for them out"
            )
        return choose_series(self.source, self.domains)

    def _cases(self, choices: Sequence[Choice]) -> list[Case]:
        of_patient: dict[str, list[str]] = defaultdict(list)
        for choice in choices:
            of_patient[choice.patient].append(choice.domain)
        splits = split_patients(of_patient, self.shares, seed=self.seed)
        names = name_cases(choices)
        partners = candidates(names) if self.pairs else {}
        cases = [_case(name, choice, splits[choice.patient]) for name, choice in names.items()]
        return [replace(case, candidate=partners.get(case.case)) for case in cases]

    def _write(self, cases: Sequence[Case]) -> bool:
        draft = self.table.with_name(f".checked.{self.table.name}")
        try:
            write_cohort(draft, cases)
            read_cohort(draft)
            same = self.table.exists() and self.table.read_bytes() == draft.read_bytes()
            if self.table.exists() and not same and not self.force:
                raise SelectionError(
                    f"{self.table}: expected no cohort or the same one, found another; "
                    "name another folder, or replace it with --force"
                )
            if not same:
                draft.replace(self.table)
        finally:
            draft.unlink(missing_ok=True)
        return not same


def name_cases(choices: Sequence[Choice]) -> dict[str, Choice]:
    """Name every choice by domain and patient, and by a number where a patient has several of a domain.

    Args:
        choices: in any order.
    """
    alike: dict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        patient = re.sub(r"[^A-Za-z0-9.-]+", "-", choice.patient).strip("-.")
        alike[f"{choice.domain}_{patient}"].append(choice)
    names: dict[str, Choice] = {}
    for stem in sorted(alike):
        ordered = sorted(alike[stem], key=lambda choice: (choice.patient, choice.order))
        for number, choice in enumerate(ordered, start=1):
            names[f"{stem}_{number}" if len(ordered) > 1 else stem] = choice
    return names


def _case(name: str, choice: Choice, split: str) -> Case:
    return Case(
        case=name,
        patient=choice.patient,
        domain=choice.domain,
        image=choice.image,
        label=None,
        mask=None,
        pair=None,
        split=split,
    )
