"""Where the slices of a stack lie: their places along the normal, and how the stack slants across it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import Frame
from preprocessing.dicom.gaps import POSITION_TOLERANCE_MM
from preprocessing.grid import Grid, three_floats

LINE_TOLERANCE_MM = 0.1
"""Slices of a slanted stack may lie this far off the line through them."""
MAX_SLANT_DEGREES = 45.0
"""No gantry tilts further."""


@dataclass(frozen=True, kw_only=True)
class StackGeometry:
    """Places of slices in the frame of the first one.

    Args:
        axes: unit vectors along a row, along a column and along the normal, as columns, in LPS.
        along: millimetres of each slice along the normal, in the patient's frame, ascending.
        across: millimetres of each slice along rows and columns, from the first slice.
        slant_degrees: angle between the line through the slices and their normal: the gantry tilt.
        straight: whether slices lie one behind the other, within tolerance.
    """

    axes: Float[np.ndarray, "3 3"]
    along: Float[np.ndarray, " slices"]
    across: Float[np.ndarray, "slices 2"]
    slant_degrees: float
    straight: bool


def stack_geometry(frames: Sequence[Frame]) -> StackGeometry:
    """Measure how slices lie; tilt is read from positions, never from its tag.

    Args:
        frames: two slices or more, in ascending order along their normal.

    Raises:
        DicomError: with reason "scattered_slices" if they do not lie on one line.
    """
    axes = frames[0].axes
    positions = np.array([frame.position for frame in frames])
    local = (positions - positions[0]) @ axes
    across, along = local[:, :2], positions @ axes[:, 2]
    straight = bool(np.abs(across).max() <= POSITION_TOLERANCE_MM)
    deep = local[:, 2]
    line = across[-1] / deep[-1] if deep[-1] > 0 else np.zeros(2)
    slant = float(np.degrees(np.arctan(np.linalg.norm(line))))
    off = float(np.abs(across - np.outer(deep, line)).max())
    if not straight and (off > LINE_TOLERANCE_MM or slant > MAX_SLANT_DEGREES):
        found = f"slices up to {off:.3g} mm off their line, which slants by {slant:.3g} degrees"
        remedy = "the series mixes several scans: export them as series of their own"
        raise DicomError("scattered_slices", expected="slices on a line", found=found, remedy=remedy)
    return StackGeometry(axes=axes, along=along, across=across, slant_degrees=slant, straight=straight)


def slice_grid(frame: Frame, depth: float) -> Grid:
    """Grid of one source slice, a voxel deep.

    Args:
        frame: the slice.
        depth: millimetres that stand for the slice's thickness.
    """
    down, across = frame.pixel_spacing
    return Grid(
        size=(frame.columns, frame.rows, 1),
        spacing=(across, down, depth),
        origin=three_floats(frame.position),
        direction=tuple(float(value) for value in frame.axes.ravel()),
    )
