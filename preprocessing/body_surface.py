"""Lay the surface of a coarse body mask where intensity falls from tissue to what is around."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float
from scipy import ndimage

from preprocessing.grid import Grid, grid_of, place, three_floats, three_ints

COARSEST_MM = 2.5
"""Axes finer than this are brought near it before the body is sought."""
RIM_MM = 5.0
"""The surface is sought this far to either side of that of the coarse mask."""
TISSUE_MM = 8.0
"""Standard deviation of the Gaussian by which the tissue's level is averaged."""
NOISE_MM = 0.8
"""Standard deviation of the Gaussian that keeps noise from roughening the surface."""
KERNEL_SD = 4.0
"""Standard deviations at which that Gaussian ends."""
SLAB = 32
"""Slices of the image that are smoothed at a time."""
OUTSIDE, RIM, DEEP = 0, 1, 2


def coarse_grid(grid: Grid) -> Grid:
    """Grid of the same middle and extent with no axis much finer than `COARSEST_MM`.

    Args:
        grid: of the image.
    """
    extent = [count * step for count, step in zip(grid.size, grid.spacing, strict=True)]
    size = three_ints(
        min(count, max(1, round(length / COARSEST_MM)))
        for count, length in zip(grid.size, extent, strict=True)
    )
    spacing = three_floats(length / count for length, count in zip(extent, size, strict=True))
    axes = np.reshape(grid.direction, (3, 3))
    middle = axes @ np.array([(count - 1) / 2 * step for count, step in zip(size, spacing, strict=True)])
    return Grid(
        size=size,
        spacing=spacing,
        origin=three_floats(np.array(grid.centre) - middle),
        direction=grid.direction,
    )


def body_at_surface(
    image: sitk.Image,
    body: Bool[np.ndarray, "z y x"],
    limit: Float[np.ndarray, "z y x"],
    *,
    coarse: Grid,
    excluded: Bool[np.ndarray, "z y x"],
) -> Bool[np.ndarray, "k j i"]:
    """Body on the image's own grid.

    Args:
        image: the scan.
        body: coarse mask, right to within `RIM_MM`.
        limit: intensity at the surface, on the same grid.
        coarse: that grid.
        excluded: voxels of the coarse grid that are not body, however bright.
    """
    zones = _zones(body, coarse.spacing[::-1])
    zones[excluded] = OUTSIDE
    zone = _sampled(zones, coarse, grid_of(image), sitk.sitkNearestNeighbor)
    deep = zone == DEEP
    return _attached(deep | ((zone == RIM) & _brighter(image, limit.astype(np.float32), coarse)), deep)


def _brighter(
    image: sitk.Image, limit: Float[np.ndarray, "z y x"], coarse: Grid
) -> Bool[np.ndarray, "k j i"]:
    grid = grid_of(image)
    voxels = sitk.GetArrayViewFromImage(image)
    sigma = [NOISE_MM / step for step in grid.spacing[::-1]]
    reach = round(KERNEL_SD * sigma[0]) + 1
    result = np.empty(voxels.shape, bool)
    # Slab by slab: large volumes have no room for a smoothed copy and a limit for every voxel.
    for start in range(0, len(voxels), SLAB):
        stop, low = min(start + SLAB, len(voxels)), max(0, start - reach)
        fine = ndimage.gaussian_filter(voxels[low : stop + reach], sigma, mode="nearest", truncate=KERNEL_SD)
        lowest = _sampled(limit, coarse, grid.slab(start, stop), sitk.sitkLinear)
        result[start:stop] = fine[start - low : stop - low] > lowest
    return result


def between_air_and_tissue(
    smooth: Float[np.ndarray, "z y x"],
    body: Bool[np.ndarray, "z y x"],
    tissue: Bool[np.ndarray, "z y x"],
    *,
    spacing: tuple[float, ...],
    share: float,
) -> Float[np.ndarray, "z y x"]:
    """Intensity a share of the way from what is around the body to its tissue nearby.

    Args:
        smooth: smoothed intensities.
        body: coarse mask.
        tissue: voxels whose intensity is that of tissue, not of gas.
        spacing: along the array axes, millimetres.
        share: between 0 and 1.
    """
    zones = _zones(body, spacing)
    sigma = [TISSUE_MM / step for step in spacing]
    deep = ((zones == DEEP) & tissue).astype(np.float32)
    total = ndimage.gaussian_filter(smooth * deep, sigma, mode="nearest")
    weight = ndimage.gaussian_filter(deep, sigma, mode="nearest")
    level = total / np.maximum(weight, 1e-6)
    around = smooth[zones == OUTSIDE]
    outside = float(np.median(around)) if around.size else float(smooth.min())
    return np.asarray(outside + share * (level - outside))


def _zones(body: Bool[np.ndarray, "z y x"], spacing: tuple[float, ...]) -> np.ndarray:
    # No voxel of the other kind: everything is the one kind, however far the rim reaches.
    depth = ndimage.distance_transform_edt(body, sampling=spacing) if not body.all() else np.inf
    height = ndimage.distance_transform_edt(~body, sampling=spacing)
    zones = np.full(body.shape, OUTSIDE, np.uint8)
    zones[height <= RIM_MM] = RIM
    zones[body & (depth > RIM_MM)] = DEEP
    # Where no voxel lies deep, as in a body thinner than two rims, the coarse mask is all there is.
    return zones if (zones == DEEP).any() else np.where(body, DEEP, OUTSIDE).astype(np.uint8)


def _sampled(values: np.ndarray, source: Grid, target: Grid, interpolator: int) -> np.ndarray:
    if not source.difference(target):
        return values
    image = sitk.GetImageFromArray(values)
    place(image, source)
    # Beyond the outermost centres a coarse voxel goes on for half its edge.
    method = sitk.ResampleImageFilter()
    method.SetSize(target.size)
    method.SetOutputOrigin(target.origin)
    method.SetOutputSpacing(target.spacing)
    method.SetOutputDirection(target.direction)
    method.SetInterpolator(interpolator)
    method.UseNearestNeighborExtrapolatorOn()
    return np.asarray(sitk.GetArrayFromImage(method.Execute(image)))


def _attached(mask: Bool[np.ndarray, "z y x"], deep: Bool[np.ndarray, "z y x"]) -> Bool[np.ndarray, "z y x"]:
    labels, count = ndimage.label(mask)
    kept = np.zeros(count + 1, bool)
    # Slice by slice, and back into the mask: large volumes have no room for more labels than these.
    for numbers, inside in zip(labels, deep, strict=True):
        kept[numbers[inside]] = True
    kept[0] = False
    for numbers, plane in zip(labels, mask, strict=True):
        plane[:] = kept[numbers]
    return mask
