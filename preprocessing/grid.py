"""Where the voxels of a volume lie in the patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

GRID_TOLERANCE_MM = 0.05
"""Corners of two equal grids may lie this far apart: other programs round their headers."""

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Lattice of voxel centres, in SimpleITK's own terms.

    Args:
        size: voxels along each array axis.
        spacing: millimetres between voxel centres along each axis.
        origin: centre of voxel (0, 0, 0) in LPS millimetres.
        direction: 3x3 matrix, row by row, whose columns are the axes in LPS.
    """

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    @property
    def affine_lps(self) -> Float[np.ndarray, "4 4"]:
        """Matrix from voxel index (i, j, k, 1) to LPS millimetres."""
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(self.direction, (3, 3)) * np.asarray(self.spacing)
        affine[:3, 3] = self.origin
        return affine

    @property
    def affine_ras(self) -> Float[np.ndarray, "4 4"]:
        """Matrix from voxel index to RAS millimetres: the affine of NIfTI and nibabel."""
        return np.asarray(_LPS_FROM_RAS @ self.affine_lps)

    @property
    def centre(self) -> tuple[float, float, float]:
        """Middle of the grid in LPS millimetres."""
        middle = [(count - 1) / 2 for count in self.size]
        return three_floats(self.affine_lps @ np.array([*middle, 1.0]))

    def slab(self, start: int, stop: int) -> Grid:
        """Grid of some of the slices that follow each other along the third axis.

        Args:
            start: number of the first slice.
            stop: number after that of the last.
        """
        origin = self.affine_lps @ np.array([0.0, 0.0, start, 1.0])
        return replace(self, size=(*self.size[:2], stop - start), origin=three_floats(origin))

    def corners(self) -> Float[np.ndarray, "8 3"]:
        """Centres of the eight corner voxels in LPS millimetres."""
        ends = [(0, count - 1) for count in self.size]
        index = np.array([[*corner, 1] for corner in product(*ends)], dtype=float)
        return np.asarray(index @ self.affine_lps.T)[:, :3]

    def difference(self, other: Grid) -> str:
        """Say how another grid differs from this one; empty if it does not.

        Args:
            other: the grid to compare.
        """
        if self.size != other.size:
            return f"size {self.size} against {other.size}"
        distance = float(np.linalg.norm(self.corners() - other.corners(), axis=1).max())
        return "" if distance <= GRID_TOLERANCE_MM else f"corners up to {distance:.4g} mm apart"


def grid_of(image: sitk.Image) -> Grid:
    """Grid of an image.

    Args:
        image: a 3D image.
    """
    return Grid(
        size=three_ints(image.GetSize()),
        spacing=three_floats(image.GetSpacing()),
        origin=three_floats(image.GetOrigin()),
        direction=tuple(float(value) for value in image.GetDirection()),
    )


def grid_from_affine(affine_ras: Float[np.ndarray, "4 4"], size: tuple[int, int, int]) -> Grid:
    """Grid with the affine of a NIfTI header.

    Args:
        affine_ras: matrix from voxel index to RAS millimetres, with axes at right angles.
        size: voxels along each axis.
    """
    affine = _LPS_FROM_RAS @ affine_ras
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    # The nearest orthonormal matrix: ITK refuses what 32-bit rounding leaves of a rotation.
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    return Grid(
        size=size,
        spacing=three_floats(spacing),
        origin=three_floats(affine[:3, 3]),
        direction=tuple(float(value) for value in (left @ right).ravel()),
    )


def place(image: sitk.Image, grid: Grid) -> None:
    """Lay the voxels of an image on a grid of the same size, in place.

    Args:
        image: the image to change.
        grid: where its voxels lie.
    """
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    image.SetDirection(grid.direction)


def three_floats(values: Iterable[float]) -> tuple[float, float, float]:
    """Three numbers, such as millimetres along three axes, as a tuple of floats.

    Args:
        values: three numbers; a fourth, homogeneous one is dropped.
    """
    first, second, third = (float(value) for value in list(values)[:3])
    return first, second, third


def three_ints(values: Iterable[int]) -> tuple[int, int, int]:
    """Three counts along three axes as a tuple of ints.

    Args:
        values: three whole numbers.
    """
    first, second, third = (int(value) for value in values)
    return first, second, third
