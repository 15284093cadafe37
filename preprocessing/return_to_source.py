"""The way back: from the prepared grid onto the grid of the scan that was prepared."""

from __future__ import annotations

import SimpleITK as sitk

from preprocessing.grid import grid_of, place
from preprocessing.orientation import orientation_code, reoriented
from preprocessing.resampling import sample_linear


def return_to_source(prepared: sitk.Image, *, source: sitk.Image, outside: float) -> sitk.Image:
    """Sample a prepared volume once, linearly, on the grid of its source.

    Where the two grids differ by the order or direction of axes only, every voxel is copied as it is.

    Args:
        prepared: volume on the prepared grid, LPS millimetres.
        source: scan on the grid wanted, LPS millimetres; its voxel values are not read.
        outside: value where the prepared grid does not reach: -1000 for CT in HU, 0 for MR.
    """
    volume = sitk.Cast(prepared, sitk.sitkFloat32)
    turned = reoriented(volume, orientation_code(source))
    if grid_of(turned).difference(grid_of(source)):
        return sample_linear(volume, grid_of(source), outside=outside)
    place(turned, grid_of(source))
    return turned
