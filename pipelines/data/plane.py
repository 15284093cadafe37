"""Measures of the slices that the networks see."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.arrays import Plane, axis_of

GENERATOR_MULTIPLE = 4
"""The generator halves its slices twice, so that their sides must be multiples of 4."""


def pixel_spacing(spacing: Sequence[float], *, plane: Plane) -> float:
    """Return the mean edge of a slice's pixels in mm.

    Args:
        spacing: Voxel size in mm along [R, A, S].
        plane: "sagittal", "coronal" or "axial".
    """
    edges = [edge for axis, edge in enumerate(spacing) if axis != axis_of(plane)]
    return sum(edges) / len(edges)


def slice_multiple(plane: Plane) -> tuple[int, ...]:
    """Return what a volume's size along [R, A, S] must be a multiple of: 1 along the stack of slices.

    Args:
        plane: "sagittal", "coronal" or "axial".
    """
    return tuple(1 if axis == axis_of(plane) else GENERATOR_MULTIPLE for axis in range(3))
