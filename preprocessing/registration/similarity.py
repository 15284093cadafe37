"""How much two images say about each other, and how well two bodies cover each other."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, Real

from preprocessing.registration.error import RegistrationError
from preprocessing.registration.match import Match

BINS = 64
"""Equal bins over each window, as `evaluation.mutual_information` counts them."""


def mutual_information(
    fixed: Real[np.ndarray, " n"],
    moving: Real[np.ndarray, " n"],
    *,
    fixed_window: tuple[float, float],
    moving_window: tuple[float, float],
) -> float:
    """Return the mutual information in nat of pairs of intensities.

    Source: Maes et al. 1997, doi:10.1109/42.563664, equation 1.

    Args:
        fixed: intensities of the fixed image.
        moving: intensities of the moving image at the same places.
        fixed_window: intensities over which the fixed image's bins are laid; others are clipped.
        moving_window: the same of the moving image.
    """
    if not fixed.size:
        return 0.0
    bins = _bins(fixed, fixed_window) * BINS + _bins(moving, moving_window)
    joint = np.bincount(bins, minlength=BINS * BINS).reshape(BINS, BINS) / fixed.size
    alone = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    present = joint > 0
    return max(float((joint[present] * np.log(joint[present] / alone[present])).sum()), 0.0)


def matched_information(match: Match, transform: sitk.Transform) -> tuple[float, float]:
    """Return the mutual information inside the fixed body, and the share of that body that is compared.

    Args:
        match: the two images.
        transform: from fixed points to moving points, LPS mm.
    """
    inside = voxels(match.fixed_mask) > 0
    covered = voxels(covered_by(match.moving, match.fixed, transform)) > 0
    both = inside & covered
    moved = sitk.Resample(
        match.moving, match.fixed, transform, sitk.sitkLinear, match.moving_window[0], sitk.sitkFloat32
    )
    information = mutual_information(
        voxels(match.fixed)[both],
        voxels(moved)[both],
        fixed_window=match.fixed_window,
        moving_window=match.moving_window,
    )
    return information, float(both.sum() / max(inside.sum(), 1))


def dice(one: Bool[np.ndarray, "k j i"], other: Bool[np.ndarray, "k j i"]) -> float:
    """Return the Dice coefficient of two masks; 0 where both are empty.

    Args:
        one: a mask.
        other: a mask on the same grid.
    """
    total = int(one.sum() + other.sum())
    return 2 * int((one & other).sum()) / total if total else 0.0


def covered_by(moving: sitk.Image, grid: sitk.Image, transform: sitk.Transform) -> sitk.Image:
    """Return where a moving image reaches inside a fixed grid, 1 inside.

    Args:
        moving: the image that is brought.
        grid: image whose grid is meant.
        transform: from fixed points to moving points, LPS mm.
    """
    ones = sitk.Image(moving.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(moving)
    reached: sitk.Image = sitk.Resample(ones, grid, transform, sitk.sitkNearestNeighbor, 0)
    return reached


def centroid(mask: sitk.Image, name: str) -> Float[np.ndarray, "3"]:
    """Return the centre of mass of a body, LPS mm.

    Args:
        mask: the body.
        name: of the image, for messages.

    Raises:
        RegistrationError: if the mask is empty.
    """
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(mask != 0)
    if not shape.GetLabels():
        raise RegistrationError(
            f"registration: expected a body in the {name} image, found none; see its mask"
        )
    return np.array(shape.GetCentroid(1))


def voxels(image: sitk.Image) -> Real[np.ndarray, "k j i"]:
    """Return a copy of an image's voxels, axes as SimpleITK orders them: a view would not outlive its image.

    Args:
        image: a 3D image.
    """
    return np.asarray(sitk.GetArrayFromImage(image))


def _bins(values: Real[np.ndarray, " n"], window: tuple[float, float]) -> np.ndarray:
    low, high = window
    fraction: Float[np.ndarray, " n"] = (np.asarray(values, dtype=np.float64) - low) / (high - low)
    # The upper end of the window belongs to the last bin, as in numpy.histogram.
    return np.clip((fraction * BINS).astype(np.intp), 0, BINS - 1)
