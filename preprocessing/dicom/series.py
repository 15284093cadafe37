"""Sort slices into stacks, each of which can be one volume: by series, orientation, matrix, echo."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from preprocessing.dicom.frame import Frame, SeriesHeader
from preprocessing.dicom.gaps import is_regular, repeats

ORIENTATION_TOLERANCE = 1e-4
"""Directions of one stack may differ by this much in a component: 0.05 mm at the edge of a 500 mm field."""
SPACING_TOLERANCE = 1e-4
"""Pixel spacings of one stack may differ by this fraction."""

_KEYS = (
    "rows", "columns", "frame_of_reference", "stack_id", "image_type", "component", "echo_time",
    "echo_number", "b_value", "gradient",
)  # fmt: skip
"""What is the same for all slices of one volume."""
_REPEATS = ("temporal_position", "trigger_time", "acquisition")
"""What tells volumes apart only where slices repeat: some scanners count it up from slice to slice."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Parallel slices of one kind, in ascending order along their normal.

    Args:
        frames: the slices; a single one is a stack too, though no volume.
        part: what tells the stack from the others of its series, empty if it is alone.
    """

    frames: tuple[Frame, ...]
    part: str = ""

    @property
    def series(self) -> SeriesHeader:
        """What the headers say of the series."""
        return self.frames[0].series

    @property
    def modality(self) -> str:
        """CT or MR."""
        return self.series.modality

    @property
    def series_uid(self) -> str:
        """UID of the series, empty where it was removed."""
        return self.series.series_uid

    @property
    def study_uid(self) -> str:
        """UID of the study, empty where it was removed."""
        return self.series.study_uid

    @property
    def patient_id(self) -> str:
        """The patient's identity: never to be written outside of the import's own map."""
        return self.series.patient_id

    @property
    def description(self) -> str:
        """Description of the series, free text."""
        return self.series.series_description

    @property
    def body_part(self) -> str:
        """Such as "PELVIS"."""
        return self.series.body_part

    @property
    def label(self) -> str:
        """One line for messages, without identity."""
        first = self.frames[0]
        size = f"{len(self.frames)} x {first.rows} x {first.columns}"
        number = "?" if self.series.series_number is None else self.series.series_number
        return f"{self.modality} series {number}, {size}" + (f", {self.part}" if self.part else "")


def stacks_of(frames: Iterable[Frame]) -> list[Stack]:
    """Sort slices into stacks; their order in, and the names of their files, change nothing.

    Args:
        frames: slices of any number of series.
    """
    found: list[Stack] = []
    for series in _groups(frames, _series_key):
        parts = [part for group in _groups(series, _kind_key) for part in _parallel(group)]
        parts = [volume for part in parts for volume in _volumes(part)]
        found += [Stack(frames=_sorted(part), part=_part(part, series, len(parts))) for part in parts]
    return sorted(found, key=_order)


def _series_key(frame: Frame) -> object:
    """A series is its UID; where that was removed, what one folder holds of one series number."""
    series = frame.series
    if series.series_uid:
        # Some devices give one UID to several series.
        apart = (str(series.series_number), series.series_description, series.kernel)
        return series.modality, series.patient_id, series.study_uid, series.series_uid, *apart
    named = (series.study_uid, series.study_date, series.series_number, series.series_description)
    return series.modality, series.patient_id, str(frame.path.parent), *map(str, named)


def _kind_key(frame: Frame) -> object:
    mosaic = str(frame.path) if frame.tile is not None else ""
    echo = None if frame.echo_time is None else round(frame.echo_time, 3)
    return mosaic, *(echo if name == "echo_time" else getattr(frame, name) for name in _KEYS)


def _groups(frames: Iterable[Frame], key: Callable[[Frame], object]) -> list[list[Frame]]:
    groups: dict[object, list[Frame]] = {}
    for frame in sorted(frames, key=lambda frame: (str(frame.path), frame.index, frame.tile or 0)):
        groups.setdefault(key(frame), []).append(frame)
    return list(groups.values())


def _parallel(frames: list[Frame]) -> list[list[Frame]]:
    """Slices of one orientation and pixel spacing, within tolerances."""
    groups: list[list[Frame]] = []
    for frame in frames:
        home = next((group for group in groups if _same_plane(group[0], frame)), None)
        if home is None:
            groups.append([frame])
        else:
            home.append(frame)
    return groups


def _same_plane(first: Frame, second: Frame) -> bool:
    turned = np.abs(np.subtract(first.orientation, second.orientation)).max()
    scaled = np.abs(np.divide(second.pixel_spacing, first.pixel_spacing) - 1).max()
    return bool(turned <= ORIENTATION_TOLERANCE and scaled <= SPACING_TOLERANCE)


def _volumes(frames: list[Frame]) -> list[list[Frame]]:
    """Take volumes apart that lie in the same place, where an attribute tells one from the other."""
    if repeats(_positions(frames)) == 1 and is_regular(_positions(frames)):
        # Time points shifted by a part of the gap would make one volume of twice the slices.
        times = _groups(frames, lambda frame: frame.temporal_position)
        return times if len(times) > 1 and _tells_apart(frames, times) else [frames]
    for name in _REPEATS:
        groups = _groups(frames, lambda frame, name=name: getattr(frame, name))  # type: ignore[misc]
        if len(groups) > 1 and _tells_apart(frames, groups):
            return [volume for group in groups for volume in _volumes(group)]
    return [frames]


def _tells_apart(frames: list[Frame], groups: list[list[Frame]]) -> bool:
    """An attribute separates volumes if slices repeat less in each, or interleaved ones become regular."""
    if max(len(group) for group in groups) < 2:
        return False
    if repeats(_positions(frames)) > 1:
        return max(repeats(_positions(group)) for group in groups) < repeats(_positions(frames))
    ends = sorted((min(_positions(group)), max(_positions(group))) for group in groups)
    overlap = all(after[0] < before[1] for before, after in pairwise(ends))
    return overlap and all(len(group) > 1 and is_regular(_positions(group)) for group in groups)


def _positions(frames: Iterable[Frame]) -> list[float]:
    """Places along one normal, which is that of the first slice."""
    listed = list(frames)
    normal = listed[0].axes[:, 2]
    return sorted(float(normal @ np.asarray(frame.position)) for frame in listed)


def _sorted(frames: list[Frame]) -> tuple[Frame, ...]:
    normal = frames[0].axes[:, 2]
    return tuple(sorted(frames, key=lambda frame: float(normal @ np.asarray(frame.position))))


def _part(part: list[Frame], series: list[Frame], count: int) -> str:
    """What tells a stack from the others of its series; UIDs are not said."""
    if count == 1:
        return ""
    told = [_plane(part[0])] if len({_plane(frame) for frame in series}) > 1 else []
    for name in (*_KEYS, *_REPEATS):
        values = {getattr(frame, name) for frame in part}
        if name != "frame_of_reference" and len(values) == 1 and len({getattr(f, name) for f in series}) > 1:
            told.append(f"{name} {_said(values.pop())}")
    return ", ".join(told)


def _said(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _plane(frame: Frame) -> str:
    return ("sagittal", "coronal", "axial")[int(np.abs(frame.axes[:, 2]).argmax())]


def _order(stack: Stack) -> tuple[str, ...]:
    first = stack.frames[0]
    number = "" if stack.series.series_number is None else f"{stack.series.series_number:09d}"
    return stack.patient_id, stack.study_uid, number, stack.series_uid, stack.part, str(first.path)
