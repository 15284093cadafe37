"""Everything that can be wrong with a cohort table, found at once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preprocessing.nifti import NiftiError, NiftiHeader, check_length, read_header
from preprocessing.prepared_files import DERIVED_SUFFIXES

Row = dict[str, str]

CASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A case names its output files, so its name must be a plain file name."""


def row_faults(rows: Sequence[Row], *, splits: Sequence[str]) -> list[str]:
    """Faults that the table shows by itself.

    Args:
        rows: one dictionary of all columns for each case.
        splits: allowed names of splits.
    """
    return [
        *_name_faults(rows),
        *_cell_faults(rows),
        *_split_faults(rows, splits),
        *_pair_faults(rows),
        *_candidate_faults(rows),
    ]


def file_faults(rows: Sequence[Row], folder: Path) -> list[str]:
    """Faults that the headers and lengths of the files show; no voxel is read.

    Args:
        rows: rows without faults of their own.
        folder: folder of the table, to which paths are relative.
    """
    faults: list[str] = []
    for row in rows:
        paths = {column: folder / row[column] for column in ("image", "label", "mask") if row[column]}
        faults += case_file_faults(row["case"], paths)
    return faults


def _name_faults(rows: Sequence[Row]) -> Iterator[str]:
    counts = Counter(row["case"] for row in rows)
    for name, count in counts.items():
        if count > 1:
            yield f"case {name}: expected unique names, found {count} rows; rename them"
        for suffix in DERIVED_SUFFIXES:
            stem = name.removesuffix(suffix)
            if stem != name and stem in counts:
                yield f"case {name}: its name is that of an output of case {stem}; rename it"


def _cell_faults(rows: Sequence[Row]) -> Iterator[str]:
    for number, row in enumerate(rows, start=2):
        if not CASE_NAME.fullmatch(row["case"]):
            allowed = "letters, digits, '.', '_' or '-'"
            yield f"line {number}: expected a case name of {allowed}, found {row['case']!r}; rename it"
        for column in ("patient", "domain", "image"):
            if not row[column]:
                yield f"case {row['case']} (line {number}): column {column} is empty; fill it in"


def _split_faults(rows: Sequence[Row], splits: Sequence[str]) -> Iterator[str]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row["patient"]].add(row["split"])
        if row["split"] not in splits:
            yield f"case {row['case']}: expected a split of {', '.join(splits)}, found {row['split']!r}"
    for patient, names in found.items():
        if patient and len(names) > 1:
            yield (
                f"patient {patient}: expected one split, found {', '.join(sorted(names))}; "
                "keep all scans of a patient in one split"
            )


def _pair_faults(rows: Sequence[Row]) -> Iterator[str]:
    by_name = {row["case"]: row for row in rows}
    for row in rows:
        reason = _pair_fault(row, by_name.get(row["pair"])) if row["pair"] else ""
        if reason:
            yield f"case {row['case']}: pair {row['pair']!r} {reason}"
    yield from _partner_faults(rows, "pair")


def _candidate_faults(rows: Sequence[Row]) -> Iterator[str]:
    by_name = {row["case"]: row for row in rows}
    paired = {row["case"] for row in rows if row["pair"]} | {row["pair"] for row in rows}
    for row in rows:
        if not row.get("candidate"):
            continue
        reason = _pair_fault(row, by_name.get(row["candidate"]))
        if not reason and paired & {row["case"], row["candidate"]}:
            reason = "joins cases of which one has a pair already; keep one of the two columns"
        if reason:
            yield f"case {row['case']}: candidate {row['candidate']!r} {reason}"
    yield from _partner_faults(rows, "candidate")


def _partner_faults(rows: Sequence[Row], column: str) -> Iterator[str]:
    partners: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.get(column):
            partners[row["case"]].add(row[column])
            partners[row[column]].add(row["case"])
    names = {row["case"] for row in rows}
    for name, others in partners.items():
        if len(others) > 1 and name in names:
            found = ", ".join(sorted(others))
            yield f"case {name}: expected one partner in column {column}, found {found}; keep one"


def _pair_fault(row: Row, other: Row | None) -> str:
    if other is None:
        return "is no case of the table; add it or clear the column"
    if other["case"] == row["case"]:
        return "is the case itself; name its partner"
    if other["domain"] == row["domain"]:
        return f"is of the same domain {row['domain']!r}; a pair joins two domains"
    if other["patient"] != row["patient"]:
        return f"is of patient {other['patient']}, expected {row['patient']}; a pair is of one patient"
    if other["split"] != row["split"]:
        return f"is in split {other['split']!r}, expected {row['split']!r}; keep partners together"
    return ""


def case_file_faults(case: str, paths: Mapping[str, Path]) -> Iterator[str]:
    """Give the faults that the headers and lengths of a case's files show.

    Args:
        case: its name, for messages.
        paths: its image, label and mask, those of them that there are.
    """
    headers: dict[str, NiftiHeader] = {}
    for column, path in paths.items():
        try:
            headers[column] = read_header(path)
            check_length(path, headers[column])
        except NiftiError as fault:
            yield f"case {case}, {column} {path}: {fault}"
    for column in ("label", "mask"):
        if column in headers and "image" in headers:
            difference = headers["image"].grid.difference(headers[column].grid)
            if difference:
                yield (
                    f"case {case}, {column} {paths[column]}: expected the grid of its image, "
                    f"found {difference}; reslice it onto the image"
                )
