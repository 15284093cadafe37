"""What is in the scanner besides the patient's own tissue: the couch below, and a hip implant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.grid import Grid, three_floats
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.scan_grids import voxel_positions

COUCH_HU = 60.0
"""CT number of the couch's shell, HU."""
COUCH_THICKNESS = 6.0
"""Thickness of the shell, mm."""
COUCH_HALF_WIDTH = 215.0
"""Half the couch's width, mm: wider than the field of view."""
COUCH_RISE = 25.0
"""Height in mm of the couch's edges above its middle."""
COUCH_GAP = 4.0
"""Least air in mm between body and couch; two pixels where pixels are larger."""
IMPLANT_HU = 3040.0
"""CT number of metal, HU: near the end of the scale on which scanners store it."""
IMPLANT_RADIUS = 13.0
"""Radius of the implant, mm."""
IMPLANT_REACH = (-15.0, 55.0)
"""Ends of the implant along the neck, mm from the centre of the femoral head."""

Shares = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Couch:
    """A curved shell along the table, its hollow upwards.

    Args:
        middle: its left-right middle, LPS mm.
        top: front-back position of its upper surface in the middle, LPS mm.
    """

    middle: float
    top: float

    def shares(self, grid: Grid) -> Shares:
        """Share of each voxel that the shell fills.

        Args:
            grid: an axial lattice.
        """
        pixel = grid.spacing[1]

        def share(points: NDArray[np.float32]) -> Shares:
            upper = self.top - _rise(points[:, 0] - self.middle)
            below = np.minimum(points[:, 1] + pixel / 2, upper + COUCH_THICKNESS)
            above = np.maximum(points[:, 1] - pixel / 2, upper)
            inside = np.abs(points[:, 0] - self.middle) <= COUCH_HALF_WIDTH
            return np.asarray(np.clip((below - above) / pixel, 0, 1) * inside, np.float32)

        return _by_slice(grid, share)


@dataclass(frozen=True, kw_only=True)
class Implant:
    """A metal cylinder.

    Args:
        start: middle of one end, LPS mm.
        end: middle of the other end, LPS mm.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]

    def shares(self, grid: Grid) -> Shares:
        """Share of each voxel that the metal fills.

        Args:
            grid: the lattice.
        """
        axis = np.subtract(self.end, self.start)
        length = float(np.linalg.norm(axis))
        axis = (axis / length).astype(np.float32)
        pixel = float(np.cbrt(np.prod(grid.spacing)))

        def share(points: NDArray[np.float32]) -> Shares:
            offset = points - np.asarray(self.start, np.float32)
            along = offset @ axis
            across = np.linalg.norm(offset - along[:, None] * axis, axis=1)
            outside = np.maximum(across - IMPLANT_RADIUS, np.abs(along - length / 2) - length / 2)
            return np.asarray(np.clip(0.5 - outside / pixel, 0, 1), np.float32)

        return _by_slice(grid, share)


def couch_under(body: Iterable[tuple[Grid, NDArray[np.bool_]]], *, middle: float) -> Couch:
    """Couch under a body, as near as its shape and the pixels allow.

    Args:
        body: axial lattices, and where on them the body is, axes (k, j, i).
        middle: left-right middle of the couch, LPS mm.
    """
    lowest, pixel = -np.inf, 0.0
    for grid, inside in body:
        pixel = grid.spacing[1]
        for number, plane in enumerate(inside):
            points = _slice_points(grid, number)[plane.ravel()]
            depth = points[:, 1] + _rise(points[:, 0] - middle)
            lowest = max(lowest, float(depth.max(initial=-np.inf)))
    return Couch(middle=middle, top=lowest + pixel + max(COUCH_GAP, 2 * pixel))


def implant_of(anatomy: HipAnatomy) -> Implant:
    """Implant in the left hip: from the femoral head along the neck.

    Args:
        anatomy: the patient.
    """
    marks = anatomy.landmarks()
    head = np.array(marks["femoral_head_centre_left"])
    lateral = np.add(marks["greater_trochanter_tip_left"], marks["lesser_trochanter_left"]) / 2
    neck = (lateral - head) / np.linalg.norm(lateral - head)
    start, end = (three_floats(head + neck * reach) for reach in IMPLANT_REACH)
    return Implant(start=start, end=end)


def put_in(volume: NDArray[np.float32], shares: Shares, value: float) -> NDArray[np.float32]:
    """Volume with an object in place of what was there.

    Args:
        volume: intensities.
        shares: of each voxel that the object fills.
        value: intensity of the object.
    """
    mixed: NDArray[np.float32] = volume * (1 - shares) + np.float32(value) * shares
    return mixed


def _rise(away: NDArray[np.float32]) -> NDArray[np.float32]:
    rise: NDArray[np.float32] = np.float32(COUCH_RISE / COUCH_HALF_WIDTH**2) * away**2
    return rise


def _slice_points(grid: Grid, number: int) -> NDArray[np.float32]:
    """World positions of the voxels of one slice, LPS mm, the first axis running fastest."""
    columns, rows, _ = grid.size
    j, i = np.indices((rows, columns)).reshape(2, -1)
    return voxel_positions(grid, np.stack([i, j, np.full(i.shape, number)], axis=1).astype(float))


def _by_slice(grid: Grid, share: Callable[[NDArray[np.float32]], Shares]) -> Shares:
    """Evaluate slice by slice: positions of a whole CT would take more memory than the CT."""
    shape = grid.size[1::-1]
    return np.stack([share(_slice_points(grid, k)).reshape(shape) for k in range(grid.size[2])])
