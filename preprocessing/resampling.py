"""Sample an image on another grid: anti-aliased where that is coarser, with a stated value outside."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.grid import Grid, grid_of, place, three_floats

FWHM_PER_SIGMA = math.sqrt(8 * math.log(2))
"""Full width at half maximum of a Gaussian with standard deviation 1."""


def resample_linear(image: sitk.Image, grid: Grid, *, outside: float) -> sitk.Image:
    """Intensities on another grid, low-passed first along axes that become coarser.

    Args:
        image: a scalar image.
        grid: the grid wanted.
        outside: value where the image does not reach.
    """
    return sample_linear(_anti_aliased(image, grid), grid, outside=outside)


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


def coverage(source: Grid, target: Grid) -> Float[np.ndarray, "i j k"]:
    """1 for every voxel centre of a grid that lies inside another one, else 0.

    Args:
        source: the grid that covers.
        target: the grid to be covered; its axes order the result.
    """
    ones = sitk.Image(source.size, sitk.sitkUInt8) + 1
    place(ones, source)
    return np.asarray(sitk.GetArrayFromImage(resample_nearest(ones, target)).T, dtype=np.float32)


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
    sigma = anti_aliasing_sigma(grid_of(image), grid)
    if not any(sigma):
        return image
    smooth: sitk.Image = sitk.DiscreteGaussian(
        image, variance=[s * s for s in sigma], maximumKernelWidth=64, maximumError=1e-3, useImageSpacing=True
    )
    return smooth


def _sampled(image: sitk.Image, grid: Grid, interpolator: int, outside: float) -> sitk.Image:
    lattice = (grid.origin, grid.spacing, grid.direction)
    result: sitk.Image = sitk.Resample(image, grid.size, sitk.Transform(), interpolator, *lattice, outside)
    return result
