"""The cohort table: which volumes there are, whose, of which domain, and what each is for."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from preprocessing.atomic import written_beside
from preprocessing.cohort_checks import file_faults, row_faults

COLUMNS = ("case", "patient", "domain", "image", "label", "mask", "pair", "split")
OPTIONAL_COLUMNS = ("candidate",)
"""Columns that a table may lack; they are written only where a case fills them."""
SPLITS = ("train", "validation", "test")
TABLE_NAME = "cohort.csv"


class CohortError(ValueError):
    """A cohort cannot be used.

    Args:
        table: the table that was read.
        faults: everything that is wrong with it.
    """

    def __init__(self, table: Path, faults: Iterable[str]) -> None:
        """List all faults in one message."""
        self.faults = tuple(faults)
        lines = "".join(f"\n  - {fault}" for fault in self.faults)
        super().__init__(f"cohort table {table}: {len(self.faults)} fault(s){lines}")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One scan of one patient.

    Args:
        case: unique name, also the name of its output files.
        patient: pseudonym of the patient.
        domain: kind of image, such as mr or ct.
        image: absolute path of the volume.
        label: absolute path of its label volume, or None.
        mask: absolute path of its body mask, or None.
        pair: name of the registered case of another domain, or None.
        split: train, validation or test.
        candidate: name of a case of the same patient and another domain that registration may make the pair.
    """

    case: str
    patient: str
    domain: str
    image: Path
    label: Path | None
    mask: Path | None
    pair: str | None
    split: str
    candidate: str | None = None


@dataclass(frozen=True)
class Cohort:
    """All cases of a table.

    Args:
        table: path of the table that was read.
        cases: its rows, in order.
    """

    table: Path
    cases: tuple[Case, ...]

    def select(self, *, domain: str | None = None, split: str | None = None) -> list[Case]:
        """Cases of a domain, of a split, or of both.

        Args:
            domain: name of a domain, or None for all.
            split: name of a split, or None for all.

        Raises:
            CohortError: if there is no such domain or split.
        """
        if domain is not None and domain not in self.domains:
            known = ", ".join(self.domains)
            raise CohortError(
                self.table, [f"expected a domain of {known}, found {domain!r}; name one of these"]
            )
        if split is not None and split not in SPLITS:
            known = ", ".join(SPLITS)
            raise CohortError(
                self.table, [f"expected a split of {known}, found {split!r}; name one of these"]
            )
        return [case for case in self.cases if domain in (None, case.domain) and split in (None, case.split)]

    def partner(self, case: Case) -> Case | None:
        """Registered partner of a case, whichever of the two names the other.

        Args:
            case: a case of this cohort.
        """
        return self[case.pair] if case.pair is not None else self._named_by_pair.get(case.case)

    def candidate(self, case: Case) -> Case | None:
        """Unregistered partner of a case, whichever of the two names the other.

        Args:
            case: a case of this cohort.
        """
        return self[case.candidate] if case.candidate is not None else self._named_by_candidate.get(case.case)

    @cached_property
    def _by_name(self) -> dict[str, Case]:
        return {case.case: case for case in self.cases}

    @cached_property
    def _named_by_pair(self) -> dict[str, Case]:
        return {case.pair: case for case in self.cases if case.pair is not None}

    @cached_property
    def _named_by_candidate(self) -> dict[str, Case]:
        return {case.candidate: case for case in self.cases if case.candidate is not None}

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, sorted."""
        return tuple(sorted({case.domain for case in self.cases}))

    def __getitem__(self, name: str) -> Case:
        """Case of that name."""
        if name not in self._by_name:
            raise KeyError(f"{self.table}: no case {name!r}")
        return self._by_name[name]

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        """Cases in the order of the table."""
        return iter(self.cases)


def read_cohort(path: Path | str, *, check_files: bool = True) -> Cohort:
    """Read a cohort table and check it together with the headers of its files.

    Args:
        path: the table, or the folder that holds `cohort.csv`.
        check_files: False where each file is judged later, so that one bad file does not stop the rest.

    Raises:
        CohortError: with every fault that was found.
    """
    table = Path(path).absolute()
    table = table / TABLE_NAME if table.is_dir() else table
    rows = _read_rows(table)
    faults = row_faults(rows, splits=SPLITS)
    if check_files and not faults:
        faults = file_faults(rows, table.parent)
    if faults:
        raise CohortError(table, faults)
    return Cohort(table, tuple(_case(row, table.parent) for row in rows))


def write_cohort(
    table: Path, cases: Iterable[Case], *, more: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write a cohort table, whole or not at all; paths become relative to its folder.

    Args:
        table: path of the table.
        cases: its rows.
        more: columns after the table's own, by name; readers of a cohort pass over them.
    """
    table = table.absolute()
    cases = list(cases)
    filled = [name for name in OPTIONAL_COLUMNS if any(getattr(case, name) for case in cases)]
    columns = [*COLUMNS, *filled, *(more or {})]
    with written_beside(table) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        for number, case in enumerate(cases):
            values = {name: column[number] for name, column in (more or {}).items()}
            writer.writerow({**_row(case, table.parent, [*COLUMNS, *filled]), **values})


def _read_rows(table: Path) -> list[dict[str, str]]:
    try:
        # Spreadsheets write a byte order mark before the first column name.
        with table.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            known = [*COLUMNS, *OPTIONAL_COLUMNS]
            rows = [{name: (row.get(name) or "").strip() for name in known} for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(table, [f"expected a readable table, found: {error}; correct the path"]) from error
    if missing:
        faults = [f"expected the column {name!r}, found none; add it to the first line" for name in missing]
        raise CohortError(table, faults)
    if not rows:
        raise CohortError(table, ["expected at least one case, found none; add a row for each volume"])
    return rows


def _case(row: dict[str, str], folder: Path) -> Case:
    named = [name for name in ("image", "label", "mask") if row[name]]
    paths = {name: Path(os.path.normpath(folder / row[name])) for name in named}
    return Case(
        case=row["case"],
        patient=row["patient"],
        domain=row["domain"],
        image=paths["image"],
        label=paths.get("label"),
        mask=paths.get("mask"),
        pair=row["pair"] or None,
        split=row["split"],
        candidate=row["candidate"] or None,
    )


def _row(case: Case, folder: Path, columns: Sequence[str]) -> dict[str, str]:
    row = {name: str(getattr(case, name) or "") for name in columns}
    for name in ("image", "label", "mask"):
        if row[name]:
            row[name] = Path(os.path.relpath(row[name], folder)).as_posix()
    return row
