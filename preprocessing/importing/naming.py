"""Names of patients, studies and series: keyed hashes of what tells them apart, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from preprocessing.dicom.frame import Frame
from preprocessing.dicom.series import Stack
from preprocessing.importing.identities import Identities
from preprocessing.patient_of_path import patient_of_path

_KINDS = (
    "rows",
    "columns",
    "stack_id",
    "image_type",
    "component",
    "echo_time",
    "echo_number",
    "b_value",
    "gradient",
)
_ORDERS = ("temporal_position", "trigger_time", "acquisition", "instance")
_DECIMALS = 2


class Naming:
    """Names within one import.

    Args:
        identities: the private file that remembers what they stand for.
        source: the folder that is imported.
        patient: expression that finds the patient in the path of a file that is no DICOM, or None.
    """

    def __init__(self, *, identities: Identities, source: Path, patient: str | None) -> None:
        """Remember all three."""
        self.identities, self.source, self.patient = identities, source, patient

    def of_stacks(self, stacks: Iterable[Stack]) -> list[tuple[Stack, dict[str, str]]]:
        """Name every stack; the names do not depend on those of files, nor on the order of anything.

        Args:
            stacks: all stacks of the import.
        """
        alike: dict[str, list[Stack]] = defaultdict(list)
        for stack in stacks:
            alike[self._key(stack)].append(stack)
        named = []
        for key in sorted(alike):
            # Volumes that differ in nothing but when they were taken are counted.
            for number, stack in enumerate(sorted(alike[key], key=_order)):
                named.append((stack, self._names(stack, f"{key}|{number}")))
        return named

    def of_file(self, path: Path) -> dict[str, str]:
        """Name a volume that says nothing of a patient.

        Args:
            path: the file.

        Raises:
            PatientOfPathError: if the path tells no patient.
        """
        below = path.relative_to(self.source)
        return {
            "patient": self.identities.pseudonym(f"path {patient_of_path(below, self.patient)}"),
            "study": "",
            "series": self.identities.hash("s", f"file {below.as_posix()}"),
            "frame_of_reference": "",
        }

    def _names(self, stack: Stack, key: str) -> dict[str, str]:
        frame = stack.frames[0]
        patient = self._patient(stack)
        study, reference = stack.study_uid, frame.frame_of_reference
        return {
            "patient": self.identities.pseudonym(patient),
            "study": self.identities.hash("t", f"{patient} study {study}") if study else "",
            "series": self.identities.hash("s", key),
            "frame_of_reference": self.identities.hash("f", reference) if reference else "",
        }

    def _key(self, stack: Stack) -> str:
        frame = stack.frames[0]
        series = stack.series_uid or f"in {self._below(frame)}"
        plane = [f"{value:.{_DECIMALS}f}" for value in np.asarray(frame.orientation) + 0.0]
        kind = [str(getattr(frame, name)) for name in _KINDS]
        number = str(stack.series.series_number)
        return "|".join(
            [self._patient(stack), stack.study_uid, series, number, stack.modality, *plane, *kind]
        )

    def _patient(self, stack: Stack) -> str:
        series = stack.series
        if series.patient_id.strip():
            return f"id {series.patient_id.strip()}"
        if series.patient_name.strip():
            return f"name {series.patient_name.strip()}, born {series.patient_birth_date}"
        if series.study_uid:
            return f"study {series.study_uid}"
        return f"path {patient_of_path(stack.frames[0].path.relative_to(self.source), None)}"

    def _below(self, frame: Frame) -> str:
        return frame.path.parent.relative_to(self.source).as_posix()


def _order(stack: Stack) -> tuple[list[tuple[bool, float]], str]:
    lowest: list[tuple[bool, float]] = []
    for name in _ORDERS:
        values: list[float] = [value for frame in stack.frames if (value := getattr(frame, name)) is not None]
        lowest.append((not values, min(values, default=0.0)))
    return lowest, str(min(frame.path for frame in stack.frames))
