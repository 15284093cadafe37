"""The lattices on which the phantom is scanned: coronal MR slabs, axial CT, turned and flipped variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from preprocessing.grid import Grid
from preprocessing.phantom.pose import rotation

Position: TypeAlias = Sequence[float] | NDArray[np.floating]

MR_FIELD_OF_VIEW = 320.0
"""Side in mm of the coronal field of view (Hiasa et al. 2018)."""
MR_SLAB = 76.0
"""Front-to-back extent in mm of the coronal slab (Hiasa et al. 2018: 38 slices of 2 mm)."""
CT_FIELD_OF_VIEW = 360.0
"""Side in mm of the axial field of view (Hiasa et al. 2018)."""
CORONAL = "LIP"
"""Stored axes of a coronal scan: columns to the left, rows to the foot, slices to the back."""
AXIAL = "LPS"
"""Stored axes of an axial scan: columns to the left, rows to the back, slices to the head."""
_AXES = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


def make_grid(
    *,
    centre: Position,
    axes: str,
    size: tuple[int, int, int],
    spacing: tuple[float, float, float],
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Grid:
    """Return a lattice by its middle.

    Args:
        centre: middle of the lattice, LPS mm.
        axes: where each stored axis points, such as "LPS", "RAS", "LAS" or "LIP".
        size: voxels along each stored axis.
        spacing: mm between voxels along each stored axis.
        angles: degrees by which the lattice is turned about left-right, front-back and head-foot.

    Raises:
        ValueError: if `axes` is not three letters, one of each of LR, PA, SI.
    """
    if sorted("LLPPSS"["LRPASI".find(a)] if a in _AXES else "?" for a in axes) != ["L", "P", "S"]:
        raise ValueError(f"axes must hold one of L/R, one of P/A and one of S/I, such as 'LPS'; got {axes!r}")
    direction = rotation(*angles) @ np.array([_AXES[a] for a in axes], dtype=float).T
    middle = direction @ ((np.array(size) - 1) / 2 * np.array(spacing))
    x, y, z = (float(v) for v in np.asarray(centre) - middle)
    return Grid(
        size=size, spacing=spacing, origin=(x, y, z), direction=tuple(float(v) for v in direction.ravel())
    )


def coronal_grid(
    *, centre: Position, size: int = 256, angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Grid:
    """Return the coronal MR lattice: 320 x 320 x 76 mm, slices 2 mm thick at 256 and thicker below.

    Args:
        centre: middle of the slab, LPS mm.
        size: pixels along each side of a slice.
        angles: degrees about left-right, front-back and head-foot.
    """
    pixel = MR_FIELD_OF_VIEW / size
    # Slices keep the paper's 2 mm until pixels are coarser; then 4 mm (19 slices) is the coarsest.
    thickness = min(max(2.0, pixel), 4.0)
    slices = round(MR_SLAB / thickness)
    return make_grid(
        centre=centre,
        axes=CORONAL,
        size=(size, size, slices),
        spacing=(pixel, pixel, MR_SLAB / slices),
        angles=angles,
    )


def axial_grid(
    *, centre: Position, size: int = 512, slices: int = 120, thickness: float = 2.0, axes: str = AXIAL
) -> Grid:
    """Return an axial CT lattice of 360 x 360 mm.

    Args:
        centre: middle of the volume, LPS mm.
        size: pixels along each side of a slice.
        slices: number of slices.
        thickness: mm between slices.
        axes: where the stored axes point.
    """
    pixel = CT_FIELD_OF_VIEW / size
    return make_grid(centre=centre, axes=axes, size=(size, size, slices), spacing=(pixel, pixel, thickness))


def voxel_positions(grid: Grid, index: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return world positions (n, 3) in LPS mm of fractional voxel indices (n, 3) in stored axis order."""
    affine = grid.affine_lps
    positions: NDArray[np.float32] = (index @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)
    return positions
