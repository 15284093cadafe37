"""Errors in grey levels: both images clipped to one intensity window and scaled to 0..255."""

import math

import numpy as np
from jaxtyping import Float
from skimage.metrics import structural_similarity

from evaluation.arrays import Mask, Plane, Volume, in_region, slices
from preprocessing.intensity_window import GREY_LEVELS, IntensityWindow

SSIM_SIGMA = 1.5
"""Standard deviation in pixels of the Gaussian weights (Wang et al. 2004)."""

SSIM_SIZE = 11
"""Edge in pixels of the weights: truncated at 3.5 sigma."""

SSIM_K1, SSIM_K2 = 0.01, 0.03
"""Constants of Wang et al. 2004."""


def windowed_mae(prediction: Volume, reference: Volume, *, window: IntensityWindow, mask: Mask) -> float:
    """Return the mean absolute error in grey levels 0..255 inside the mask.

    Source: Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, section 3.

    Args:
        prediction: volume [R, A, S] in the window's unit.
        reference: truth on the same grid and in the same unit.
        window: intensities that become levels 0 and 255; what lies beyond is clipped in both.
        mask: voxels that count, such as body and coverage.

    Raises:
        ValueError: shapes differ, the mask is empty, or a voxel inside it is not finite.
    """
    return float(np.abs(_level_errors(prediction, reference, window, mask)).mean())


def windowed_mse(prediction: Volume, reference: Volume, *, window: IntensityWindow, mask: Mask) -> float:
    """Return the mean squared error in grey levels squared inside the mask.

    Args:
        prediction: as `windowed_mae`.
        reference: as `windowed_mae`.
        window: as `windowed_mae`.
        mask: as `windowed_mae`.

    Raises:
        ValueError: as `windowed_mae`.
    """
    return float(np.square(_level_errors(prediction, reference, window, mask)).mean())


def windowed_psnr(prediction: Volume, reference: Volume, *, window: IntensityWindow, mask: Mask) -> float:
    """Return 20 log10(255 / sqrt(MSE)) in dB inside the mask; infinite for equal volumes.

    Args:
        prediction: as `windowed_mae`.
        reference: as `windowed_mae`.
        window: as `windowed_mae`.
        mask: as `windowed_mae`.

    Raises:
        ValueError: as `windowed_mae`.
    """
    mse = windowed_mse(prediction, reference, window=window, mask=mask)
    return 10 * math.log10(GREY_LEVELS**2 / mse) if mse > 0 else math.inf


def windowed_ssim(
    prediction: Volume, reference: Volume, *, window: IntensityWindow, mask: Mask, plane: Plane
) -> float:
    """Return the structural similarity of the slices of a plane, their map averaged inside the mask.

    Gaussian weights 11x11 of sigma 1.5, population covariance, data range 255, mirrored at the borders.

    Source: Wang et al. 2004, doi:10.1109/TIP.2003.819861.

    Args:
        prediction: as `windowed_mae`.
        reference: as `windowed_mae`.
        window: as `windowed_mae`.
        mask: voxels whose similarity counts; the weights reach 5 pixels beyond it.
        plane: "sagittal", "coronal" or "axial".

    Raises:
        ValueError: as `windowed_mae`, or a slice is smaller than 11x11.
    """
    in_region(prediction, reference, mask)
    total = 0.0
    for a, b, inside in zip(*(slices(x, plane) for x in (prediction, reference, mask)), strict=True):
        if inside.any():
            total += float(_similarity(a, b, window)[inside].sum())
    return total / int(mask.sum())


def windowed_ssim_3d(prediction: Volume, reference: Volume, *, window: IntensityWindow, mask: Mask) -> float:
    """Return the structural similarity with weights of 11x11x11 voxels, its map averaged inside the mask.

    The weights are isotropic in voxels, not in millimetres.

    Args:
        prediction: as `windowed_mae`.
        reference: as `windowed_mae`.
        window: as `windowed_mae`.
        mask: voxels whose similarity counts; the weights reach 5 voxels beyond it.

    Raises:
        ValueError: as `windowed_mae`, or the volume is thinner than 11 voxels.
    """
    in_region(prediction, reference, mask)
    return float(_similarity(prediction, reference, window)[mask].mean())


def _level_errors(
    prediction: Volume, reference: Volume, window: IntensityWindow, mask: Mask
) -> Float[np.ndarray, " voxel"]:
    a, b = in_region(prediction, reference, mask)
    return np.asarray(window.levels(a) - window.levels(b))


def _similarity(a: np.ndarray, b: np.ndarray, window: IntensityWindow) -> np.ndarray:
    if min(a.shape) < SSIM_SIZE:
        raise ValueError(f"SSIM weighs {SSIM_SIZE} pixels along each axis, the image has {a.shape}")
    _, similarity = structural_similarity(
        window.levels(a.astype(np.float64)),
        window.levels(b.astype(np.float64)),
        data_range=GREY_LEVELS,
        gaussian_weights=True,
        sigma=SSIM_SIGMA,
        use_sample_covariance=False,
        K1=SSIM_K1,
        K2=SSIM_K2,
        full=True,
    )
    return np.asarray(similarity)
