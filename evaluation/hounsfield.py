"""Errors of a synthetic CT in Hounsfield units, over all voxels and by tissue."""

import math
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import Mask, Volume, in_region
from preprocessing.intensity_window import IntensityWindow

TISSUES: dict[str, tuple[float, float]] = {
    "air": (-math.inf, -200.0),
    "fat": (-200.0, -30.0),
    "soft": (-30.0, 250.0),
    "bone": (250.0, math.inf),
}
"""Classes by the reference CT's HU, from low (included) to high (excluded)."""


@dataclass(frozen=True, kw_only=True)
class TissueError:
    """Errors inside one tissue of the reference.

    Args:
        voxels: how many voxels of the mask are of this tissue.
        mae: mean absolute error in HU; NaN without voxels.
        me: mean of prediction - reference in HU; NaN without voxels.
    """

    voxels: int
    mae: float
    me: float


def hu_mae(prediction: Volume, reference: Volume, *, mask: Mask) -> float:
    """Return the mean absolute error in HU inside the mask, nothing clipped.

    Args:
        prediction: synthetic CT [R, A, S] in HU.
        reference: CT on the same grid in HU.
        mask: voxels that count.

    Raises:
        ValueError: shapes differ, the mask is empty, or a voxel inside it is not finite.
    """
    a, b = in_region(prediction, reference, mask)
    return float(np.abs(a - b).mean())


def hu_me(prediction: Volume, reference: Volume, *, mask: Mask) -> float:
    """Return the mean of prediction - reference in HU inside the mask, nothing clipped.

    Args:
        prediction: as `hu_mae`.
        reference: as `hu_mae`.
        mask: as `hu_mae`.

    Raises:
        ValueError: as `hu_mae`.
    """
    a, b = in_region(prediction, reference, mask)
    return float((a - b).mean())


def tissue_errors(
    prediction: Volume, reference: Volume, *, window: IntensityWindow | None, mask: Mask
) -> dict[str, TissueError]:
    """Return the errors in HU by tissue class of the reference: air, fat, soft and bone.

    Args:
        prediction: as `hu_mae`.
        reference: as `hu_mae`; its unclipped HU decide the class.
        window: the model's window, to which both are clipped before they are compared, since a model of a
            narrow window can make neither air nor cortical bone; None compares them as they are.
        mask: as `hu_mae`.

    Raises:
        ValueError: as `hu_mae`.
    """
    a, b = in_region(prediction, reference, mask)
    low, high = (window.low, window.high) if window is not None else (-np.inf, np.inf)
    difference = np.clip(a, low, high) - np.clip(b, low, high)
    return {name: _error(difference[(b >= start) & (b < end)]) for name, (start, end) in TISSUES.items()}


def _error(difference: np.ndarray) -> TissueError:
    if difference.size == 0:
        return TissueError(voxels=0, mae=math.nan, me=math.nan)
    mae, me = float(np.abs(difference).mean()), float(difference.mean())
    return TissueError(voxels=int(difference.size), mae=mae, me=me)
