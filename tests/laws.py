"""Volumes known in closed form, on grids as scanners store them, and the tolerances of the laws they test.

Everything is a function of the place in the patient (LPS millimetres), so that the same body can be looked
at on any grid and its value at any point is known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from preprocessing.grid import Grid, place

SAME_PLACE_MM = 1e-3
"""Two computed positions that should be one, after 32-bit headers."""
RAMP_TOLERANCE = 1e-4
"""Linear interpolation reproduces a linear function up to 32-bit rounding of values around 100."""
HALF_VOXEL = 0.5
"""A marker may be found this many voxels from where it was put."""

CENTRE_LPS = (12.0, -7.0, 31.0)
"""Middle of every test grid: no grid begins at the origin of the scanner."""
MARKER_LPS = (-33.0, -7.0, 61.0)
"""A marker on the patient's RIGHT (negative in LPS) and towards the head."""
RAMP_SLOPE = (0.3, -0.5, 0.2)
"""Change of the ramp per millimetre towards left, back and head."""

_TOWARDS = {"R": (-1, 0, 0), "L": (1, 0, 0), "A": (0, -1, 0), "P": (0, 1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
_SIZE = {"R": 28, "A": 17, "S": 22}
_SPACING_MM = {"R": 5.0, "A": 6.0, "S": 4.0}
_FAMILY = {"R": "R", "L": "R", "A": "A", "P": "A", "S": "S", "I": "S"}


def _rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        turn = np.eye(3)
        first, second = [other for other in range(3) if other != axis]
        turn[[first, second], [first, second]] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def stored_as(code: str, *, turned_degrees: tuple[float, float, float] = (0, 0, 0)) -> Grid:
    """Grid around the same box whose array axes run towards the letters of a code.

    Args:
        code: such as "LPS"; voxels are anisotropic and sizes differ along all three axes.
        turned_degrees: rotations about the L, P and S axes.
    """
    axes = _rotation(turned_degrees) @ np.array([_TOWARDS[letter] for letter in code], dtype=float).T
    size = np.array([_SIZE[_FAMILY[letter]] for letter in code])
    spacing = np.array([_SPACING_MM[_FAMILY[letter]] for letter in code])
    origin = np.array(CENTRE_LPS) - axes @ ((size - 1) / 2 * spacing)
    return Grid(
        size=tuple(size.tolist()),
        spacing=tuple(spacing.tolist()),
        origin=tuple(origin.tolist()),
        direction=tuple(axes.ravel().tolist()),
    )


GRIDS = {
    "RAS": stored_as("RAS"),
    "LAS": stored_as("LAS"),
    "LPS": stored_as("LPS"),
    "coronal": stored_as("LSP"),
    "sagittal": stored_as("PIL"),
    "oblique": stored_as("LPS", turned_degrees=(12, -8, 20)),
    "oblique coronal": stored_as("LIA", turned_degrees=(-15, 6, 9)),
}
"""Grids as axial, coronal and sagittal scans store them, straight and oblique, with both handednesses."""


def points(grid: Grid) -> np.ndarray:
    """LPS millimetres of every voxel centre, [i, j, k, 3]."""
    index = np.stack(np.meshgrid(*[np.arange(count) for count in grid.size], indexing="ij"), axis=-1)
    return index @ grid.affine_lps[:3, :3].T + grid.affine_lps[:3, 3]


def volume(
    grid: Grid, function: Callable[[np.ndarray], np.ndarray], *, kind: type = np.float32
) -> sitk.Image:
    """Image whose voxels are a function of their LPS position."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(function(points(grid)).astype(kind).T))
    place(image, grid)
    return image


def array(image: sitk.Image) -> np.ndarray:
    """Voxels as [i, j, k], the order in which nibabel reads them."""
    return sitk.GetArrayFromImage(image).T


def ramp(where: np.ndarray) -> np.ndarray:
    """A linear function of the place."""
    return (where - np.array(CENTRE_LPS)) @ np.array(RAMP_SLOPE) + 100.0


def marker(where: np.ndarray) -> np.ndarray:
    """A smooth ball on the patient's right."""
    return 1000 * np.exp(-((where - np.array(MARKER_LPS)) ** 2).sum(axis=-1) / (2 * 8.0**2))


def body(where: np.ndarray) -> np.ndarray:
    """1 inside an elliptic trunk that ends inside the field of view at the sides, 0 outside."""
    x, y, _ = np.moveaxis(where - np.array(CENTRE_LPS), -1, 0)
    return (x / 58) ** 2 + (y / 42) ** 2 < 1


def tissue(where: np.ndarray) -> np.ndarray:
    """T1-like trunk: fat 90 around muscle 40 with two fatty marrow spaces, air 0."""
    x, y, _ = np.moveaxis(where - np.array(CENTRE_LPS), -1, 0)
    value = np.where(body(where), 90.0, 0.0)
    value[(x / 48) ** 2 + (y / 32) ** 2 < 1] = 40.0
    value[((np.abs(x) - 25) / 9) ** 2 + (y / 9) ** 2 < 1] = 80.0
    return value


def hounsfield(where: np.ndarray) -> np.ndarray:
    """CT of the same trunk: fat -100, muscle 50, bone 700, air -1000 HU."""
    mr = tissue(where)
    return np.select([mr == 90.0, mr == 40.0, mr == 80.0], [-100.0, 50.0, 700.0], -1000.0)


def centroid(image: sitk.Image) -> np.ndarray:
    """Centre of mass of the intensities in LPS millimetres, as nibabel's affine places the voxels."""
    values = array(image).astype(float)
    grid = np.stack(np.meshgrid(*[np.arange(count) for count in values.shape], indexing="ij"), axis=-1)
    index = (grid * values[..., None]).sum(axis=(0, 1, 2)) / values.sum()
    return np.array(image.TransformContinuousIndexToPhysicalPoint(index.tolist()))
