"""Positions of slices along their normal: equal gaps, planned changes of gap, missing slices, duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

POSITION_TOLERANCE_MM = 0.05
"""A slice may lie this far from its place on a regular grid: headers round, some to one decimal."""
POSITION_TOLERANCE_FRACTION = 0.1
"""Nor may it be off by more than this part of a gap, where gaps are very small."""
MULTIPLE_TOLERANCE = 0.05
"""A gap counts as n gaps of its neighbour if it is within this part of that neighbour's gap."""
PLANNED_RUN = 3
"""So many equal gaps in a row are a plan, not an accident."""
SAME_PLACE_MM = 0.01
"""Slices closer than this lie at one position."""


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """What the positions of a stack say.

    Args:
        regular: whether all gaps are equal within tolerance.
        step: millimetres between slices of the regular grid: the common gap, or the smallest planned one.
        missing: positions in millimetres where a slice should be and is not.
        unclear: (position before, gap) of gaps that are neither equal, nor planned, nor whole multiples.
    """

    regular: bool
    step: float
    missing: tuple[float, ...] = ()
    unclear: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class _Run:
    """Equal gaps in a row: the first slice, how many, and how wide."""

    start: int
    count: int
    gap: float


def tolerance(gap: float) -> float:
    """Millimetres that a slice may lie off a regular grid.

    Args:
        gap: millimetres between slices.
    """
    return min(POSITION_TOLERANCE_MM, POSITION_TOLERANCE_FRACTION * gap)


def repeats(positions: Sequence[float]) -> int:
    """How many slices lie at the most crowded position.

    Args:
        positions: millimetres along the normal, ascending.
    """
    return max((len(group) for group in same_places(positions)), default=0)


def same_places(positions: Sequence[float]) -> list[list[int]]:
    """Indices of slices by position: one list for each place.

    Args:
        positions: millimetres along the normal, ascending.
    """
    groups: list[list[int]] = []
    for index, position in enumerate(positions):
        if groups and position - positions[groups[-1][0]] <= SAME_PLACE_MM:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def is_regular(positions: Sequence[float]) -> bool:
    """Whether slices lie on a regular grid, within tolerance.

    Args:
        positions: millimetres along the normal, ascending.
    """
    if len(positions) < 2:
        return True
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    grid = positions[0] + step * np.arange(len(positions))
    return step > 0 and bool(np.abs(grid - positions).max() <= tolerance(step))


def judge_gaps(positions: Sequence[float], thicknesses: Sequence[float | None]) -> Gaps:
    """Tell equal gaps, planned changes and missing slices apart.

    Gaps are planned in runs of `PLANNED_RUN` equal ones, or of two unless the gap is the same on both sides
    of them. A gap on its own is planned where it equals a run's and is the smaller one beside its
    neighbours, or leads from one run to another of a different gap and is no wider than both. Any other is
    a hole or odd, unless slices of changing thickness touch across it: slices are missing where it is a
    whole multiple of the gap beside it, and it is unclear where it is not. A leading gap that is such a
    multiple could be either, and counts as missing slices.

    Args:
        positions: millimetres along the normal, strictly ascending, two or more.
        thicknesses: of the slices in millimetres, None where unknown.
    """
    if is_regular(positions):
        return Gaps(regular=True, step=(positions[-1] - positions[0]) / (len(positions) - 1))
    runs = _runs(np.diff(positions))
    holes = [
        index
        for index in range(len(runs))
        if not _is_planned(runs, index) and not _touching(runs[index], positions, thicknesses)
    ]
    planned = [run.gap for index, run in enumerate(runs) if index not in holes and run.count > 1]
    step = min(planned or [run.gap for run in runs])
    missing: list[float] = []
    unclear: list[tuple[float, float]] = []
    for index in holes:
        run, beside = runs[index], _smaller_neighbour(runs, index)
        whole = _times(run.gap, beside)
        for first in positions[run.start : run.start + run.count]:
            if whole > 1:
                missing += [first + run.gap * part / whole for part in range(1, whole)]
            else:
                unclear.append((first, run.gap))
    return Gaps(regular=False, step=step, missing=tuple(missing), unclear=tuple(unclear))


def _runs(gaps: np.ndarray) -> list[_Run]:
    runs: list[_Run] = []
    for index, gap in enumerate(gaps.tolist()):
        last = runs[-1] if runs else None
        if last and _equal(gap, last.gap):
            runs[-1] = _Run(last.start, last.count + 1, (last.gap * last.count + gap) / (last.count + 1))
        else:
            runs.append(_Run(index, 1, gap))
    return runs


def _neighbours(runs: Sequence[_Run], index: int) -> list[_Run]:
    return [runs[near] for near in (index - 1, index + 1) if 0 <= near < len(runs)]


def _smaller_neighbour(runs: Sequence[_Run], index: int) -> float:
    return min(run.gap for run in _neighbours(runs, index))


def _is_planned(runs: Sequence[_Run], index: int) -> bool:
    run, beside = runs[index], _neighbours(runs, index)
    if not beside or run.count >= PLANNED_RUN:
        return True
    widest, smallest = max(near.gap for near in beside), _smaller_neighbour(runs, index)
    if run.gap <= smallest:
        return run.count > 1 or any(near.count > 1 and _equal(near.gap, run.gap) for near in runs)
    if len(beside) == 2 and _equal(smallest, widest):
        return False
    return run.count > 1 or _leads_over(run, beside)


def _leads_over(run: _Run, beside: Sequence[_Run]) -> bool:
    """Whether one gap lies between two runs, and could not be a multiple of either's."""
    if len(beside) < 2 or min(near.count for near in beside) < 2:
        return False
    return run.gap <= max(near.gap for near in beside) and _times(run.gap, min(n.gap for n in beside)) <= 1


def _times(gap: float, smaller: float) -> int:
    """How many of the smaller gap make the gap; 0 if it is no whole number of them."""
    whole = round(gap / smaller)
    return whole if abs(gap / smaller - whole) <= MULTIPLE_TOLERANCE else 0


def _equal(first: float, second: float) -> bool:
    # Both ends of a gap may be off; the last term is the rounding of binary numbers.
    return abs(first - second) <= 2 * tolerance(min(first, second)) + 1e-6


def _touching(run: _Run, positions: Sequence[float], thicknesses: Sequence[float | None]) -> bool:
    """Slices of changing thickness that touch leave no room for a missing one."""
    ends = range(run.start, run.start + run.count)
    for index in ends:
        before, after = thicknesses[index], thicknesses[index + 1]
        if before is None or after is None:
            return False
        gap = positions[index + 1] - positions[index]
        if gap > (before + after) / 2 + POSITION_TOLERANCE_MM:
            return False
    known = {round(value, 3) for value in thicknesses if value is not None}
    return len(known) > 1
