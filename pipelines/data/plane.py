"""Measures of the slices that the networks see."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.arrays import Plane, axis_of


def pixel_spacing(spacing: Sequence[float], *, plane: Plane) -> float:
    """Return the mean edge of a slice's pixels in mm.

    Args:
        spacing: Voxel size in mm along [R, A, S].
        plane: "sagittal", "coronal" or "axial".
    """
    edges = [edge for axis, edge in enumerate(spacing) if axis != axis_of(plane)]
    return sum(edges) / len(edges)
