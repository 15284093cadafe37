"""The table of a prepared cohort: what stands there, and which cases are pairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from preprocessing.case_preparation import CaseTask
from preprocessing.cohort import Case
from preprocessing.preparation_report import PairVerdict
from preprocessing.provenance import read_provenance


def prepared_rows(tasks: Sequence[CaseTask], pairs: Sequence[PairVerdict]) -> list[Case]:
    """Rows of the table of a prepared cohort.

    Args:
        tasks: of the cases that stand prepared.
        pairs: what registration said; only what it accepted becomes a pair, named by both.
    """
    done = {task.case.case for task in tasks}
    accepted = {pair.case: pair.fixed for pair in pairs if pair.verdict == "accept"}
    partners = {**accepted, **{fixed: moving for moving, fixed in accepted.items()}}
    return [_row(task, done, partners) for task in tasks]


def _row(task: CaseTask, done: Collection[str], partners: Mapping[str, str]) -> Case:
    case, written = task.case, read_provenance(task.files.record).outputs
    return replace(
        case,
        image=task.files.file("image"),
        label=task.files.file("label") if "label" in written else None,
        mask=task.files.file("mask") if "mask" in written else None,
        pair=case.pair if case.pair in done else partners.get(case.case),
        candidate=case.candidate if case.candidate in done and case.case not in partners else None,
    )
