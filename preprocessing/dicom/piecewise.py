"""Slices with uneven gaps, resliced on to a regular grid: linear between the two slices next to a place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Num

from preprocessing.dicom.shear import UprightSlice, rounded

ON_A_SLICE_MM = 1e-4
"""A place of the grid that is this near a slice takes its values as they are."""


def places_between(first: float, last: float, step: float) -> list[float]:
    """Places of a regular grid from the first slice up to the last one, never beyond it.

    Args:
        first: millimetres along the normal.
        last: millimetres along the normal.
        step: millimetres between places.
    """
    count = int(np.floor((last - first + ON_A_SLICE_MM) / step)) + 1
    return [first + step * index for index in range(count)]


def resliced(
    slices: Iterable[UprightSlice], positions: Sequence[float], places: Sequence[float], *, outside: float
) -> Iterator[Num[np.ndarray, "rows columns"]]:
    """Values at each place, with no more than two slices in memory.

    Args:
        slices: in ascending order.
        positions: their millimetres along the normal.
        places: millimetres along the normal, ascending, none outside of the slices.
        outside: value where one of two slices does not reach: air.
    """
    waiting = deque(places)
    for (before, below), (after, above) in pairwise(zip(positions, slices, strict=True)):
        while waiting and waiting[0] <= after + ON_A_SLICE_MM:
            part = (waiting.popleft() - before) / (after - before)
            yield _between(below, above, part, gap=after - before, outside=outside)


def _between(
    below: UprightSlice, above: UprightSlice, part: float, *, gap: float, outside: float
) -> np.ndarray:
    if part * gap <= ON_A_SLICE_MM:
        return below.values
    if (1 - part) * gap <= ON_A_SLICE_MM:
        return above.values
    kind = np.promote_types(below.values.dtype, above.values.dtype)
    values = rounded(below.values * np.float64(1 - part) + above.values * np.float64(part), kind)
    if (below.rows, below.columns) != (above.rows, above.columns):
        # Half air and half tissue would look like fat.
        top, bottom = max(below.rows[0], above.rows[0]), min(below.rows[1], above.rows[1])
        left, right = max(below.columns[0], above.columns[0]), min(below.columns[1], above.columns[1])
        values[:top] = values[bottom:] = outside
        values[:, :left] = values[:, right:] = outside
    return values
