"""Sample an image on another grid: anti-aliased where that is coarser, with a stated value outside."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.grid import Grid, grid_of, place, three_floats
from preprocessing.low_pass import low_passed, reach_of

FWHM_PER_SIGMA = math.sqrt(8 * math.log(2))
"""Full width at half maximum of a Gaussian with standard deviation 1."""
LEAST_WEIGHT = 1e-3
"""Share of scanned voxels in an interpolated value below which it counts as not scanned."""


def resample_linear(
    image: sitk.Image, grid: Grid, *, outside: float, covered: sitk.Image | None = None
) -> sitk.Image:
    """Intensities on another grid, low-passed first along axes that become coarser.

    Between the outermost voxel centres a linear image is reproduced; in the half voxel beyond them a value
    stays as it is at the outermost centre. No value outside the image, or outside `covered`, has a say.

    Args:
        image: a scalar image.
        grid: the grid wanted.
        outside: value where the image does not reach.
        covered: where the image was scanned, on its grid; None where that is everywhere.
    """
    if covered is None or sitk.GetArrayViewFromImage(covered).all():
        return sample_linear(_anti_aliased(image, grid), grid, outside=outside)
    inside = sitk.Cast(covered != 0, sitk.sitkFloat32)
    total, weight = (
        sitk.GetArrayFromImage(sample_linear(_anti_aliased(part, grid), grid, outside=0.0))
        for part in (sitk.Cast(image, sitk.sitkFloat32) * inside, inside)
    )
    reached = (sitk.GetArrayFromImage(resample_nearest(covered, grid)) > 0) & (weight > LEAST_WEIGHT)
    total[reached] /= weight[reached]
    total[~reached] = outside
    result: sitk.Image = sitk.GetImageFromArray(total)
    place(result, grid)
    return result


def sample_linear(image: sitk.Image, grid: Grid, *, outside: float) -> sitk.Image:
    """Intensities on another grid by linear interpolation alone.

    Args:
        image: a scalar image.
        grid: the grid wanted.
        outside: value where the image does not reach.
    """
    return _sampled(image, grid, sitk.sitkLinear, outside)


def resample_nearest(labels: sitk.Image, grid: Grid) -> sitk.Image:
    """Labels on another grid, 0 where the volume does not reach.

    Args:
        labels: a label volume or mask.
        grid: the grid wanted.
    """
    return _sampled(labels, grid, sitk.sitkNearestNeighbor, 0)


def anti_aliasing_sigma(source: Grid, target: Grid) -> tuple[float, float, float]:
    """Standard deviations, in millimetres along the source's axes, that make it as blurred as its target.

    The point spread of a grid is taken for a Gaussian as wide at half maximum as its voxel; the variances'
    difference is what is missing (Cardoso et al. 2015, doi:10.1007/978-3-319-24571-3_81). For turned axes the
    target's variance is that along each source axis.

    Args:
        source: grid of the image.
        target: grid it is to be sampled on.
    """
    turn = np.reshape(source.direction, (3, 3)).T @ np.reshape(target.direction, (3, 3))
    wanted = turn**2 @ np.square(target.spacing)
    missing = np.clip(wanted - np.square(source.spacing), 0, None)
    return three_floats(np.sqrt(missing) / FWHM_PER_SIGMA)


def _anti_aliased(image: sitk.Image, grid: Grid) -> sitk.Image:
    source = grid_of(image)
    millimetres = anti_aliasing_sigma(source, grid)
    sigma = three_floats(np.divide(millimetres, source.spacing))
    if not any(sigma):
        return image
    part = _needed(image, grid, [reach_of(deviation) for deviation in sigma])
    voxels = np.asarray(sitk.GetArrayViewFromImage(part), dtype=np.float32)
    # SimpleITK's arrays are indexed [k, j, i].
    smooth = sitk.GetImageFromArray(low_passed(voxels, (sigma[2], sigma[1], sigma[0])))
    place(smooth, grid_of(part))
    return smooth


def _needed(image: sitk.Image, grid: Grid, margin: list[int]) -> sitk.Image:
    """Return the part of an image on which its values on a grid depend; all of it where it is not reached."""
    corners = _in_voxels(grid_of(image), grid.corners())
    size = np.array(image.GetSize())
    low = np.floor(corners.min(axis=0)).astype(int) - margin - 1
    high = np.ceil(corners.max(axis=0)).astype(int) + margin + 2
    low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    if (high <= low).any() or (high - low == size).all():
        return image
    part: sitk.Image = sitk.RegionOfInterest(image, (high - low).tolist(), low.tolist())
    return part


def _in_voxels(grid: Grid, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
    inverse = np.linalg.inv(grid.affine_lps)
    return np.asarray(points @ inverse[:3, :3].T + inverse[:3, 3])


def _sampled(image: sitk.Image, grid: Grid, interpolator: int, outside: float) -> sitk.Image:
    lattice = (grid.origin, grid.spacing, grid.direction)
    result: sitk.Image = sitk.Resample(image, grid.size, sitk.Transform(), interpolator, *lattice, outside)
    return result
