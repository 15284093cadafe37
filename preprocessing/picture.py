"""A small picture of a case before and after its preparation, for looking over a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, UInt8

from preprocessing.atomic import written_beside
from preprocessing.intensity_window import IntensityWindow
from preprocessing.orientation import canonical, orientation_code
from preprocessing.scan import Scan

HEIGHT, WIDEST = 128, 192
"""Rows of every panel, and the most columns it may have."""
LINE = 2
"""Black columns at the right of every panel."""
OUTLINE_RGB = (255, 176, 0)
"""Colour of the mask's edge: seen on grey by eyes of every kind."""
QUALITY = 80
"""Of the JPEG file, which so stays near 10 KB."""
CONTRAST_PERCENT = (0.5, 99.5)
"""Percentiles of a slice that become black and white where no window is known."""

_LETTERS = {"sagittal": "RL", "coronal": "AP", "axial": "SI"}
PLANES = tuple(_LETTERS)
"""Names of the planes that a slice may lie in."""


def middle_slice(image: sitk.Image, plane: str) -> sitk.Image:
    """Cut the middle slice of a volume in the anatomical plane nearest to its axes.

    Args:
        image: a 3D image in LPS millimetres, on any grid.
        plane: sagittal, coronal or axial.

    Returns:
        A 2D image as it is hung: the patient's right (or front) at the left, the head (or front) above.
    """
    axis = next(axis for axis, letter in enumerate(orientation_code(image)) if letter in _LETTERS[plane])
    size, index = list(image.GetSize()), [0, 0, 0]
    index[axis], size[axis] = size[axis] // 2, 1
    slab = canonical(sitk.RegionOfInterest(image, size, index))
    normal = PLANES.index(plane)
    width, height = (step for other, step in enumerate(slab.GetSpacing()) if other != normal)
    # Both axes of the slice grow towards the side that is hung left or above, so both are turned round.
    pixels = np.squeeze(sitk.GetArrayViewFromImage(slab), axis=2 - normal)[::-1, ::-1]
    hung = sitk.GetImageFromArray(np.ascontiguousarray(pixels))
    hung.SetSpacing((width, height))
    return hung


def write_picture(path: Path, *, before: sitk.Image, after: Scan, plane: str) -> None:
    """Write three panels side by side: source, result, and result with the outline of its mask.

    Args:
        path: JPEG file; its folder is made if absent.
        before: the source's slice, as `middle_slice` cuts it.
        after: the prepared scan.
        plane: sagittal, coronal or axial.
    """
    image = middle_slice(after.image, plane)
    physical = after.window if after.window is not None and after.window.unit == "HU" else None
    grey = _grey(image, after.window)
    panels = [_coloured(_grey(before, physical)), _coloured(grey), _coloured(grey)]
    if after.mask is not None:
        panels[2][_edge(middle_slice(after.mask, plane))] = OUTLINE_RGB
    lined = [np.pad(panel, ((0, 0), (0, LINE), (0, 0))) for panel in panels]
    strip = sitk.GetImageFromArray(np.concatenate(lined, axis=1), isVector=True)
    with written_beside(path) as beside:
        sitk.WriteImage(strip, str(beside), useCompression=True, compressionLevel=QUALITY)


def _grey(hung: sitk.Image, window: IntensityWindow | None) -> Float[np.ndarray, "row column"]:
    """Grey levels of a slice at the size of a panel."""
    shown = sitk.GetArrayFromImage(_resized(sitk.Cast(hung, sitk.sitkFloat32), sitk.sitkLinear))
    low, high = (float(value) for value in np.percentile(shown, CONTRAST_PERCENT))
    if window is None and low < high:
        window = IntensityWindow(low, high, "nominal")
    return window.levels(shown) if window is not None else np.zeros(shown.shape, np.float32)


def _edge(hung: sitk.Image) -> Bool[np.ndarray, "row column"]:
    mask = _resized(sitk.Cast(hung != 0, sitk.sitkUInt8), sitk.sitkNearestNeighbor)
    inside = sitk.GetArrayFromImage(mask) > 0
    # Where the slice ends inside the mask there is no edge.
    wide = np.pad(inside, 1, mode="edge")
    surrounded = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return np.asarray(inside & ~surrounded)


def _resized(hung: sitk.Image, interpolator: int) -> sitk.Image:
    """Slice with square pixels and the rows of a panel; averaged first where it gets coarser."""
    size, spacing = np.array(hung.GetSize()), np.array(hung.GetSpacing())
    extent = size * spacing
    pixel = float(max(extent[1] / HEIGHT, extent[0] / WIDEST))
    if interpolator == sitk.sitkLinear:
        sigma = np.where(pixel > spacing, np.sqrt(np.maximum(pixel**2 - spacing**2, 0)) / 2, 0)
        hung = sitk.DiscreteGaussian(hung, variance=(sigma**2).tolist(), maximumKernelWidth=64)
    columns = max(1, round(float(extent[0]) / pixel))
    # Centred in the panel's rows, so that panels of all shapes stand beside one another.
    middle = np.array(hung.TransformContinuousIndexToPhysicalPoint(((size - 1) / 2).tolist()))
    origin = middle - np.array([columns - 1, HEIGHT - 1]) / 2 * pixel
    grid = ([columns, HEIGHT], sitk.Transform(2, sitk.sitkIdentity), interpolator)
    lowest = float(sitk.GetArrayViewFromImage(hung).min())
    return sitk.Resample(hung, *grid, origin.tolist(), [pixel, pixel], [1.0, 0.0, 0.0, 1.0], lowest)


def _coloured(grey: Float[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column 3"]:
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
