"""Scans of one patient in two domains, which registration may make pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from preprocessing.selection.choice import Choice


def candidates(names: Mapping[str, Choice]) -> dict[str, str]:
    """Name the candidate of every case that has one: each other's, and each case once.

    Of several scans, those of one frame of reference are joined first, then those of one study.

    Args:
        names: the choice behind each case, by the case's name.
    """
    of_patient: dict[str, list[str]] = defaultdict(list)
    for name, choice in names.items():
        of_patient[choice.patient].append(name)
    joined: dict[str, str] = {}
    for cases in of_patient.values():
        for one, other in sorted(_across(cases, names), key=lambda pair: _distance(pair, names)):
            if one not in joined and other not in joined:
                joined[one], joined[other] = other, one
    return joined


def _across(cases: Sequence[str], names: Mapping[str, Choice]) -> Iterable[tuple[str, str]]:
    pairs = combinations(sorted(cases), 2)
    return (pair for pair in pairs if names[pair[0]].domain != names[pair[1]].domain)


def _distance(pair: tuple[str, str], names: Mapping[str, Choice]) -> tuple[bool, bool, tuple[str, str]]:
    one, other = names[pair[0]], names[pair[1]]
    same_frame = bool(one.frame_of_reference) and one.frame_of_reference == other.frame_of_reference
    same_study = bool(one.study) and one.study == other.study
    return not same_frame, not same_study, pair
