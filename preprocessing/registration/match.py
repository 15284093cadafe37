"""The two images as registration sees them: at working resolution, windowed, without the couch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from preprocessing.body_mask import BodyMask
from preprocessing.grid import Grid, grid_of, three_floats, three_ints
from preprocessing.registration.error import RegistrationError
from preprocessing.resampling import resample_linear, resample_nearest
from preprocessing.scan import Scan

AIR_HU = -1000.0
"""CT number of air."""
CT_BODY_HU = -300.0
"""Lowest CT number of the body, as in `BodyMask`."""
CT_WINDOW_HU = (-200.0, 600.0)
"""CT numbers told apart: fat from muscle and bone from both; gas and metal are beyond."""
CT_BELOW = -500.0
"""Only a CT reaches below this: magnitudes are not negative."""
PERCENTILES = (1.0, 99.0)
"""Share of the body's voxels, in percent, below either end of a window that is not given."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """Two images that are to be matched.

    Args:
        fixed: intensities inside `fixed_window`, LPS mm.
        moving: intensities inside `moving_window`, LPS mm; its lower end outside the body.
        fixed_mask: body of the fixed image, on its grid.
        moving_mask: body of the moving image, on its grid.
        fixed_window: lowest and highest fixed intensity.
        moving_window: lowest and highest moving intensity.
    """

    fixed: sitk.Image
    moving: sitk.Image
    fixed_mask: sitk.Image
    moving_mask: sitk.Image
    fixed_window: tuple[float, float]
    moving_window: tuple[float, float]

    def near_body(self, margin: float) -> sitk.Image:
        """Return the fixed body grown by a margin, so that its outline is seen from both sides.

        Args:
            margin: millimetres.
        """
        distance = sitk.SignedMaurerDistanceMap(
            self.fixed_mask, squaredDistance=False, useImageSpacing=True, insideIsPositive=False
        )
        near: sitk.Image = distance <= margin
        return near


def is_ct(image: sitk.Image) -> bool:
    """Tell whether an image holds CT numbers, by its darkest voxel.

    Args:
        image: intensities.
    """
    return float(sitk.GetArrayViewFromImage(image).min()) < CT_BELOW


def air_of(image: sitk.Image) -> float:
    """Intensity of air: -1000 in a CT, else 0.

    Args:
        image: intensities.
    """
    return AIR_HU if is_ct(image) else 0.0


def with_body(scan: Scan) -> Scan:
    """Return the scan with a body mask: its own, or one found by `BodyMask`.

    Args:
        scan: a scan.
    """
    return BodyMask(threshold=CT_BODY_HU if is_ct(scan.image) else None)(scan)


def match_scans(fixed: Scan, moving: Scan, *, spacing: float) -> Match:
    """Return two scans at working resolution.

    Args:
        fixed: scan that stays, with a mask.
        moving: scan to bring onto it, with a mask.
        spacing: millimetres between voxels along every axis that is finer than this.
    """
    parts = []
    for scan in (fixed, moving):
        window = body_window(scan)
        grid = _working_grid(grid_of(scan.image), spacing)
        image = sitk.Clamp(sitk.Cast(scan.image, sitk.sitkFloat32), sitk.sitkFloat32, *window)
        assert scan.mask is not None
        mask = resample_nearest(scan.mask != 0, grid)
        parts.append((resample_linear(image, grid, outside=window[0]), mask, window))
    (still, still_mask, still_window), (moved, moved_mask, moved_window) = parts
    return Match(
        fixed=still,
        moving=sitk.Mask(moved, sitk.BinaryDilate(moved_mask, (2, 2, 2)), moved_window[0]),
        fixed_mask=still_mask,
        moving_mask=moved_mask,
        fixed_window=still_window,
        moving_window=moved_window,
    )


def body_window(scan: Scan) -> tuple[float, float]:
    """Return the intensities to tell apart: those of `CT_WINDOW_HU`, or percentiles of the body.

    Args:
        scan: a scan with a mask.

    Raises:
        RegistrationError: if the body is of one intensity.
    """
    if is_ct(scan.image):
        return CT_WINDOW_HU
    assert scan.mask is not None
    inside = sitk.GetArrayViewFromImage(scan.mask) != 0
    body = sitk.GetArrayViewFromImage(scan.image)[inside]
    low, high = (float(value) for value in np.percentile(body, PERCENTILES)) if body.size else (0.0, 0.0)
    if not low < high:
        raise RegistrationError(
            f"registration: expected a body of several intensities, found {low:g} to {high:g}; see the image"
        )
    # Air must differ from the darkest tissue.
    return min(low, air_of(scan.image)), high


def _working_grid(grid: Grid, spacing: float) -> Grid:
    """Return the same box in voxels no finer than the spacing."""
    steps = np.array(grid.spacing)
    extent = steps * np.array(grid.size)
    size = np.maximum(np.ceil(extent / np.maximum(steps, spacing) - 1e-6), 1).astype(int)
    coarse = extent / size
    axes = np.reshape(grid.direction, (3, 3))
    origin = np.array(grid.origin) + axes @ ((coarse - steps) / 2)
    return replace(
        grid,
        size=three_ints(size.tolist()),
        spacing=three_floats(coarse.tolist()),
        origin=three_floats(origin.tolist()),
    )
