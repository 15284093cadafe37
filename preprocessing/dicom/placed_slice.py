"""Slices with their place in the patient: what a DICOM series is written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num

from preprocessing.grid import Grid, three_floats

RIGHT_ANGLE = 1e-4
"""Largest cosine between rows and columns, and largest error of their lengths, still orthonormal."""


@dataclass(frozen=True, kw_only=True)
class PlacedSlice:
    """One slice: values and where they lie.

    Args:
        values: HU or MR units, axes (row, column).
        position: centre of the first voxel, LPS mm.
        orientation: unit vectors in LPS along which the column number and then the row number increase.
        spacing: mm between rows and between columns.
        thickness: of the slice, mm.
        scanned: False where nothing was reconstructed, or None while that is nowhere.
        stack: name of the stack in a multi-frame object.

    Raises:
        ValueError: if the orientation is not orthonormal, or a size is not above 0.
    """

    values: Num[np.ndarray, "row column"]
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    spacing: tuple[float, float]
    thickness: float
    scanned: Bool[np.ndarray, "row column"] | None = None
    stack: str = "1"

    def __post_init__(self) -> None:
        """Refuse what DICOM cannot say."""
        along = np.reshape(self.orientation, (2, 3))
        error = float(np.abs(along @ along.T - np.eye(2)).max())
        if not error <= RIGHT_ANGLE:
            raise ValueError(f"expected two unit vectors at right angles, found {self.orientation}")
        if not min(*self.spacing, self.thickness) > 0:
            raise ValueError(
                f"expected spacing and thickness above 0 mm, found {self.spacing} and {self.thickness}"
            )

    @property
    def normal(self) -> Float[np.ndarray, "3"]:
        """Unit vector across the slice in LPS."""
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def height(self) -> float:
        """Position along the normal, mm."""
        return float(self.normal @ np.array(self.position))


def slices_of(
    values: Num[np.ndarray, "slice row column"],
    grid: Grid,
    *,
    thickness: float | None = None,
    scanned: Bool[np.ndarray, "slice row column"] | None = None,
    stack: str = "1",
) -> list[PlacedSlice]:
    """Slices of a volume, from the first to the last.

    Args:
        values: HU or MR units.
        grid: its lattice, LPS mm; slices may follow each other along a slant, as under a tilted gantry.
        thickness: of a slice, mm; by default the distance between slices.
        scanned: False where nothing was reconstructed.
        stack: name of the stack in a multi-frame object.
    """
    affine = grid.affine_lps
    along = np.reshape(grid.direction, (3, 3))
    a, b, c, d, e, f = (float(v) for v in [*along[:, 0], *along[:, 1]])
    return [
        PlacedSlice(
            values=plane,
            position=three_floats(affine @ [0, 0, number, 1]),
            orientation=(a, b, c, d, e, f),
            spacing=(grid.spacing[1], grid.spacing[0]),
            thickness=thickness or grid.spacing[2],
            scanned=None if scanned is None else scanned[number],
            stack=stack,
        )
        for number, plane in enumerate(values)
    ]


def one_matrix(slices: Sequence[PlacedSlice]) -> tuple[int, int]:
    """Rows and columns that all slices have.

    Args:
        slices: of one series.

    Raises:
        ValueError: if there is no slice, or they differ.
    """
    found = sorted({plane.values.shape for plane in slices})
    if len(found) != 1:
        raise ValueError(f"expected slices of one matrix, found {found or 'no slice'}: write one series each")
    rows, columns = found[0]
    return int(rows), int(columns)
