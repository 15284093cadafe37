"""Slices of a slanted stack, each shifted in its own plane so that all lie one behind the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num, Shaped

from preprocessing.dicom.geometry import StackGeometry

_SAME = 1e-6
"""Shifts smaller than this many pixels are rounding."""


@dataclass(frozen=True, kw_only=True)
class UprightBox:
    """The upright box around a slanted stack, in pixels of the first slice.

    Args:
        rows: of the box.
        columns: of the box.
        first_row: row of the box's first voxel, in rows of the first slice; never positive.
        first_column: column of it.
    """

    rows: int
    columns: int
    first_row: int = 0
    first_column: int = 0


def box_around(
    geometry: StackGeometry, rows: int, columns: int, pixel_spacing: tuple[float, float]
) -> UprightBox:
    """Smallest box of whole pixels that holds every slice.

    Args:
        geometry: places of the slices.
        rows: of a slice.
        columns: of a slice.
        pixel_spacing: millimetres between rows, then between columns.
    """
    if geometry.straight:
        return UprightBox(rows=rows, columns=columns)
    right = geometry.across[:, 0] / pixel_spacing[1]
    down = geometry.across[:, 1] / pixel_spacing[0]
    top, left = _floor(down.min()), _floor(right.min())
    return UprightBox(
        rows=rows + _ceil(down.max()) - top,
        columns=columns + _ceil(right.max()) - left,
        first_row=top,
        first_column=left,
    )


@dataclass(frozen=True, kw_only=True)
class UprightSlice:
    """A slice in the upright box.

    Args:
        values: of the whole box, air where the slice does not reach.
        rows: first row that the slice reaches, and the one after the last.
        columns: first column that it reaches, and the one after the last.
    """

    values: Num[np.ndarray, "rows columns"]
    rows: tuple[int, int]
    columns: tuple[int, int]


def sheared(
    plane: Num[np.ndarray, "rows columns"],
    *,
    box: UprightBox,
    down: float,
    right: float,
    outside: float,
) -> UprightSlice:
    """A slice at its place in the upright box, linear between pixels.

    Args:
        plane: values of the slice.
        box: the box around all slices.
        down: rows by which the slice lies further along columns than the first one.
        right: columns by which it lies further along rows.
        outside: value where the slice does not reach: air.
    """
    turned, columns = _shifted(plane.T, right - box.first_column, box.columns, outside)
    values, rows = _shifted(turned.T, down - box.first_row, box.rows, outside)
    return UprightSlice(values=values, rows=rows, columns=columns)


def rounded(values: Shaped[np.ndarray, "..."], kind: np.dtype[np.generic]) -> Shaped[np.ndarray, "..."]:
    """Values as a voxel type; whole types get the nearest number, halves away from zero, as C rounds.

    Args:
        values: real numbers.
        kind: voxel type.
    """
    if kind.kind == "f":
        return values.astype(kind)
    nearest: np.ndarray = np.trunc(values + np.copysign(0.5, values))
    return nearest.astype(kind)


def _shifted(
    plane: np.ndarray, shift: float, rows: int, outside: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """Rows moved down by a part of a row, into a plane of more rows; and which of them they reach."""
    count = len(plane)
    if rows == count and abs(shift) <= _SAME:
        return plane, (0, rows)
    whole = math.floor(shift + _SAME)
    part = max(shift - whole, 0.0)
    out = np.full((rows, plane.shape[1]), outside, dtype=plane.dtype)
    if part <= _SAME:
        out[whole : whole + count] = plane
        return out, (whole, whole + count)
    # Row r of the result lies between rows r - whole - 1 and r - whole of the slice.
    between = plane[:-1] * np.float64(part) + plane[1:] * np.float64(1 - part)
    out[whole + 1 : whole + count] = rounded(between, plane.dtype)
    # A pixel is half a pixel wide to either side of its centre.
    if part <= 0.5:
        out[whole] = plane[0]
    if part >= 0.5:
        out[whole + count] = plane[-1]
    return out, (whole + int(part > 0.5), whole + count + int(part >= 0.5))


def _floor(value: float) -> int:
    return math.floor(value + _SAME)


def _ceil(value: float) -> int:
    return math.ceil(value - _SAME)
