"""Which slices of a stack are used, and at which places the volume has its own: after duplicates and gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import Frame
from preprocessing.dicom.gaps import Gaps, is_regular, judge_gaps, same_places
from preprocessing.dicom.piecewise import places_between

MAX_SLICES = 4096
"""A volume resliced to more slices than this has gaps that no scan was planned with."""
MAX_MISSING_IN_A_ROW = 3
"""More missing slices side by side are not filled in, even when repairs are asked for."""
_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class SlicePlan:
    """The slices of a volume.

    Args:
        places: millimetres of the volume's slices along the normal.
        step: millimetres between them.
        regular: whether each place is that of a source slice.
        gaps: what the source positions said.
        repairs: sentences that say what was repaired.
    """

    places: tuple[float, ...]
    step: float
    regular: bool
    gaps: Gaps
    repairs: tuple[str, ...] = ()


def without_duplicates(
    frames: Sequence[Frame],
    along: Sequence[float],
    same_pixels: Callable[[Frame, Frame], bool],
    *,
    repair: bool,
) -> tuple[list[int], tuple[str, ...]]:
    """Indices of the slices to use, one for each position, and what was left out.

    A file that was exported twice is the same object twice: using it once is no repair.

    Args:
        frames: slices in ascending order.
        along: their millimetres along the normal.
        same_pixels: whether two slices hold the same values.
        repair: whether copies may be dropped.

    Raises:
        DicomError: if slices share a position and differ, or are copies and no repair is asked for.
    """
    crowded = [group for group in same_places(along) if len(group) > 1]
    shown = _shown([along[group[0]] for group in crowded])
    for group in crowded:
        if not all(same_pixels(frames[group[0]], frames[other]) for other in group[1:]):
            remedy = "export the series again, or its volumes as series of their own"
            found = f"slices that differ at {shown} along the normal"
            raise DicomError(
                "conflicting_slices", expected="one slice a position", found=found, remedy=remedy
            )
    twice = [group for group in crowded if not _is_one_object([frames[index] for index in group])]
    if twice and not repair:
        shown = _shown([along[group[0]] for group in twice])
        remedy = "allow repair to drop the copies"
        found = f"copies at {shown} along the normal"
        raise DicomError("duplicate_slice", expected="one slice a position", found=found, remedy=remedy)
    shown = _shown([along[group[0]] for group in twice])
    said = (f"duplicate slices dropped at {shown} along the normal",) if twice else ()
    return [group[0] for group in same_places(along)], said


def _is_one_object(frames: Sequence[Frame]) -> bool:
    first = frames[0]
    return bool(first.instance_uid) and all(
        (frame.instance_uid, frame.index, frame.tile) == (first.instance_uid, first.index, first.tile)
        for frame in frames
    )


def plan_slices(frames: Sequence[Frame], along: Sequence[float], *, repair: bool) -> SlicePlan:
    """Decide where the slices of the volume lie.

    Equal gaps stay as they are. Planned changes of gap become a regular grid of the smallest planned gap,
    and so do holes when repairs are allowed: the values between slices are linear.

    Args:
        frames: slices in ascending order, one for each position.
        along: their millimetres along the normal.
        repair: whether holes may be filled.

    Raises:
        DicomError: with reason "missing_slice" or "mixed_spacing".
    """
    gaps = judge_gaps(along, [frame.thickness for frame in frames])
    if gaps.regular:
        places = tuple(float(along[0] + gaps.step * index) for index in range(len(along)))
        return SlicePlan(places=places, step=gaps.step, regular=True, gaps=gaps)
    _require_few_missing(gaps, along)
    if not repair:
        _require_no_hole(gaps)
    step = _filled_step(gaps, along)
    if (along[-1] - along[0]) / step >= MAX_SLICES:
        remedy = "the series mixes several scans: export them as series of their own"
        found = f"gaps down to {step:.3g} mm over {along[-1] - along[0]:.6g} mm"
        raise DicomError("mixed_spacing", expected="planned gaps", found=found, remedy=remedy)
    places = tuple(places_between(along[0], along[-1], step))
    repairs = (
        [f"missing slices interpolated at {_shown(gaps.missing)} along the normal"] if gaps.missing else []
    )
    repairs += [f"a gap of {gap:.4g} mm bridged at {at:.4f} mm along the normal" for at, gap in gaps.unclear]
    return SlicePlan(places=places, step=step, regular=False, gaps=gaps, repairs=tuple(repairs))


def _require_no_hole(gaps: Gaps) -> None:
    if gaps.missing:
        remedy = "export the series again, or allow repair to interpolate them"
        found = f"none at {_shown(gaps.missing)} along the normal"
        raise DicomError("missing_slice", expected="a slice at every step", found=found, remedy=remedy)
    if gaps.unclear:
        at, gap = gaps.unclear[0]
        remedy = "check that the series is whole; allow repair to bridge the gap linearly"
        found = f"a gap of {gap:.4g} mm after {at:.4f} mm along the normal, like none beside it"
        raise DicomError("mixed_spacing", expected="gaps in planned runs", found=found, remedy=remedy)


def _require_few_missing(gaps: Gaps, along: Sequence[float]) -> None:
    between = np.searchsorted(along, gaps.missing)
    crowd = max(np.bincount(between).tolist(), default=0) if len(between) else 0
    if crowd > MAX_MISSING_IN_A_ROW:
        remedy = "export the series again, or its parts as series of their own"
        found = f"{crowd} missing side by side, the first at {gaps.missing[0]:.4f} mm along the normal"
        raise DicomError("missing_slice", expected="a slice at every step", found=found, remedy=remedy)


def _filled_step(gaps: Gaps, along: Sequence[float]) -> float:
    """The exact step where the holes alone make the grid uneven."""
    filled = sorted([*along, *gaps.missing])
    if gaps.missing and not gaps.unclear and is_regular(filled):
        return (filled[-1] - filled[0]) / (len(filled) - 1)
    return gaps.step


def _shown(positions: Sequence[float]) -> str:
    listed = ", ".join(f"{position:.4f}" for position in positions[:_SHOWN])
    return f"{listed}{' ...' if len(positions) > _SHOWN else ''} mm"
