"""Patients of an import that may be one person under several identifiers; joining them is left to people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from preprocessing.dicom.frame import Frame

_NO_DATES = ("", "19000101")
"""What anonymisers put for every birth date tells nobody apart."""


def alike_patients(scans: Iterable[tuple[str, Frame]]) -> tuple[tuple[str, ...], ...]:
    """Groups of pseudonyms that share a name with birth date, a study, a series or a frame of reference.

    Args:
        scans: the pseudonym of each volume's patient, and one slice of the volume.
    """
    of_trait: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for patient, frame in scans:
        for trait in _traits(frame):
            of_trait[trait].add(patient)
    groups: list[set[str]] = []
    for patients in of_trait.values():
        if len(patients) > 1:
            touching = [group for group in groups if group & patients]
            groups = [group for group in groups if not group & patients]
            groups.append(patients.union(*touching))
    return tuple(sorted(tuple(sorted(group)) for group in groups))


def _traits(frame: Frame) -> list[tuple[str, ...]]:
    """What one person's scans share; a value that is empty is shared by strangers."""
    series = frame.series
    name = " ".join(series.patient_name.casefold().replace("^", " ").split())
    born = series.patient_birth_date if series.patient_birth_date not in _NO_DATES else ""
    traits = (
        ("person", name, born),
        ("study", series.study_uid),
        ("series", series.series_uid),
        ("frame of reference", frame.frame_of_reference),
    )
    return [trait for trait in traits if all(trait)]
