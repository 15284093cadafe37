"""How much one image says about another, whatever their contrasts; needs no truth."""

import numpy as np
from jaxtyping import Float

from evaluation.arrays import Mask, Plane, Volume, in_region, slices
from preprocessing.intensity_window import IntensityWindow

BINS = 64
"""Equal bins over each window."""

Windows = tuple[IntensityWindow, IntensityWindow]


def mutual_information(a: Volume, b: Volume, *, window: Windows, mask: Mask) -> float:
    """Return the mutual information in nats of the voxels inside the mask.

    Joint histogram of 64x64 equal bins over the two windows; what lies beyond a window is clipped to it.

    Source: Maes et al. 1997, doi:10.1109/42.563664, equation 1.

    Args:
        a: volume [R, A, S].
        b: volume on the same grid.
        window: windows of `a` and of `b`.
        mask: voxels that count.

    Raises:
        ValueError: shapes differ, the mask is empty, or a voxel inside it is not finite.
    """
    alone_a, alone_b, together = _entropies(*in_region(a, b, mask), window)
    return max(alone_a + alone_b - together, 0.0)


def normalised_mutual_information(a: Volume, b: Volume, *, window: Windows, mask: Mask) -> float:
    """Return (H(a) + H(b)) / H(a, b): 1 for independent volumes, 2 for those that determine each other.

    Source: Studholme et al. 1999, doi:10.1016/S0031-3203(98)00091-0. Two constant volumes give 1.

    Args:
        a: as `mutual_information`.
        b: as `mutual_information`.
        window: as `mutual_information`.
        mask: as `mutual_information`.

    Raises:
        ValueError: as `mutual_information`.
    """
    alone_a, alone_b, together = _entropies(*in_region(a, b, mask), window)
    return (alone_a + alone_b) / together if together > 0 else 1.0


def slicewise_mutual_information(a: Volume, b: Volume, *, window: Windows, mask: Mask, plane: Plane) -> float:
    """Return the mutual information in nats per slice, averaged over the slices that meet the mask.

    Source: Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, section 3 (per slice, then mean per volume).

    Args:
        a: as `mutual_information`.
        b: as `mutual_information`.
        window: as `mutual_information`.
        mask: as `mutual_information`.
        plane: "sagittal", "coronal" or "axial".

    Raises:
        ValueError: as `mutual_information`.
    """
    in_region(a, b, mask)
    values = []
    for one, other, inside in zip(*(slices(x, plane) for x in (a, b, mask)), strict=True):
        if inside.any():
            alone_a, alone_b, together = _entropies(one[inside], other[inside], window)
            values.append(max(alone_a + alone_b - together, 0.0))
    return float(np.mean(values))


def _entropies(a: np.ndarray, b: np.ndarray, window: Windows) -> tuple[float, float, float]:
    bins = [_bin(x, its) for x, its in zip((a, b), window, strict=True)]
    joint = np.bincount(bins[0] * BINS + bins[1], minlength=BINS * BINS).reshape(BINS, BINS) / a.size
    return _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0)), _entropy(joint.ravel())


def _bin(values: np.ndarray, window: IntensityWindow) -> np.ndarray:
    fraction = (window.forward(values.astype(np.float64)) + 1) / 2
    # The upper end of the window belongs to the last bin, as in numpy.histogram.
    return np.minimum((fraction * BINS).astype(np.intp), BINS - 1)


def _entropy(probability: Float[np.ndarray, " bin"]) -> float:
    present = probability[probability > 0]
    return float(-(present * np.log(present)).sum())
