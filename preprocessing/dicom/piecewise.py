"""Slices with uneven gaps, resliced on to a regular grid: linear between the two slices next to a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Num

from preprocessing.dicom.shear import rounded

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
    planes: Iterable[Num[np.ndarray, "rows columns"]], positions: Sequence[float], places: Sequence[float]
) -> Iterator[Num[np.ndarray, "rows columns"]]:
    """Values at each place, with no more than two slices in memory.

    Args:
        planes: slices in ascending order.
        positions: their millimetres along the normal.
        places: millimetres along the normal, ascending, none outside of the slices.
    """
    waiting = list(places)
    for (before, below), (after, above) in pairwise(zip(positions, planes, strict=True)):
        while waiting and waiting[0] <= after + ON_A_SLICE_MM:
            yield _between(below, above, (waiting.pop(0) - before) / (after - before), after - before)


def _between(below: np.ndarray, above: np.ndarray, part: float, gap: float) -> np.ndarray:
    if part * gap <= ON_A_SLICE_MM:
        return below
    if (1 - part) * gap <= ON_A_SLICE_MM:
        return above
    kind = np.promote_types(below.dtype, above.dtype)
    return rounded(below * np.float64(1 - part) + above * np.float64(part), kind)
