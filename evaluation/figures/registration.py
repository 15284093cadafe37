"""A picture for looking at a registration: both images, and a checkerboard of them before and after."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from evaluation.arrays import Plane, Volume, canonical_array, canonical_spacing
from evaluation.figures.picture_row import PictureRow
from evaluation.figures.rows import picture_rows
from preprocessing.intensity_window import IntensityWindow

SQUARE_MM = 30.0
"""Edge of the checkerboard's squares."""
FRACTIONS = (0.25, 0.5, 0.75)
"""Slices shown, as fractions of the stack."""

_PLANES: tuple[Plane, ...] = ("sagittal", "coronal", "axial")
_LEVELS = IntensityWindow(0.0, 1.0, "level")


def registration_picture(
    fixed: sitk.Image,
    before: sitk.Image,
    registered: sitk.Image,
    *,
    windows: tuple[IntensityWindow, IntensityWindow],
    path: Path,
    title: str,
) -> None:
    """Draw a registration through the slab's largest plane and write it, whole or not at all.

    Args:
        fixed: image that stayed, LPS mm.
        before: moving image on the same grid, as the scanners' coordinates lay it.
        registered: moving image on the same grid, registered.
        windows: of the fixed and of the moving image.
        path: file to write; its ending says the format (.png, .svg, .pdf).
        title: of the picture.
    """
    spacing = canonical_spacing(fixed)
    volumes = [canonical_array(image) for image in (fixed, before, registered)]
    still, unregistered, moved = (
        _levels(volume, window)
        for volume, window in zip(volumes, (windows[0], windows[1], windows[1]), strict=True)
    )
    plane = _PLANES[int(np.argmin(np.array(still.shape) * np.array(spacing)))]
    board = checkerboard(still.shape, tuple(max(1, round(SQUARE_MM / step)) for step in spacing))
    rows = [
        PictureRow(title="fixed", volumes=volumes[0], windows=windows[0]),
        PictureRow(title="registered", volumes=volumes[2], windows=windows[1]),
        PictureRow(title="both, before", volumes=np.where(board, still, unregistered), windows=_LEVELS),
        PictureRow(title="both, after", volumes=np.where(board, still, moved), windows=_LEVELS),
    ]
    picture_rows(rows, plane=plane, spacing=spacing, path=path, title=title, fractions=FRACTIONS)


def checkerboard(shape: tuple[int, ...], edges: tuple[int, ...]) -> np.ndarray:
    """Return a board of boxes, alternately True and False along every axis.

    Args:
        shape: voxels along each axis.
        edges: voxels of a box along each axis.
    """
    index = np.indices(shape, sparse=True)
    return np.asarray(sum(place // edge for place, edge in zip(index, edges, strict=True)) % 2 == 0)


def _levels(volume: Volume, window: IntensityWindow) -> Float[np.ndarray, "R A S"]:
    return np.asarray((window.forward(volume.astype(np.float64)) + 1) / 2)
