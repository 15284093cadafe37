"""How well two outlines of one structure agree: overlap, surface distances and volume."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from evaluation.arrays import Mask, Spacing

CUT_LIMIT_ML = 1.0
"""A structure of which the field of view leaves less than this is not judged."""

MM3_PER_ML = 1000.0

Comparability = Literal["comparable", "not applicable", "failure"]


def comparability(prediction: Mask, reference: Mask, *, spacing: Spacing) -> Comparability:
    """Say whether a structure can be judged.

    "not applicable": absent in both, or the field of view cuts the reference's to under 1 mL. "failure":
    present in only one of them; its Dice is 0 and its distances are undefined. Otherwise "comparable".

    Args:
        prediction: the predicted structure [R, A, S].
        reference: the true structure on the same grid.
        spacing: mm along R, A, S.

    Raises:
        ValueError: shapes differ, an array is not boolean, or a spacing is not positive.
    """
    _check(prediction, reference, spacing)
    if not (prediction.any() or reference.any()) or _cut_small(reference, spacing):
        return "not applicable"
    return "comparable" if prediction.any() and reference.any() else "failure"


def dice(prediction: Mask, reference: Mask, *, spacing: Spacing) -> float:
    """Return twice the common volume over the sum of both: 1 equal, 0 apart; NaN where not applicable.

    Source: Dice 1945, doi:10.2307/1932409.

    Args:
        prediction: as `comparability`.
        reference: as `comparability`.
        spacing: as `comparability`; needed for the 1 mL rule only.

    Raises:
        ValueError: as `comparability`.
    """
    if comparability(prediction, reference, spacing=spacing) == "not applicable":
        return math.nan
    return float(2 * (prediction & reference).sum() / (prediction.sum() + reference.sum()))


def hausdorff95(prediction: Mask, reference: Mask, *, spacing: Spacing) -> float:
    """Return the larger of the two directed 95th percentiles of surface distances in mm.

    The surface is the voxels with a face neighbour outside the structure; beyond the grid counts as outside.
    NaN where the structure is absent in one, or not applicable.

    Source: Huttenlocher et al. 1993, doi:10.1109/34.232073, with the percentile usual in challenges.

    Args:
        prediction: as `comparability`.
        reference: as `comparability`.
        spacing: as `comparability`.

    Raises:
        ValueError: as `comparability`.
    """
    if comparability(prediction, reference, spacing=spacing) != "comparable":
        return math.nan
    return max(float(np.percentile(one, 95)) for one in _surface_distances(prediction, reference, spacing))


def mean_surface_distance(prediction: Mask, reference: Mask, *, spacing: Spacing) -> float:
    """Return the mean in mm over the surface voxels of both, each to the nearest of the other.

    Surfaces and NaN as `hausdorff95`.

    Args:
        prediction: as `comparability`.
        reference: as `comparability`.
        spacing: as `comparability`.

    Raises:
        ValueError: as `comparability`.
    """
    if comparability(prediction, reference, spacing=spacing) != "comparable":
        return math.nan
    return float(np.concatenate(_surface_distances(prediction, reference, spacing)).mean())


def volume_error(prediction: Mask, reference: Mask, *, spacing: Spacing) -> float:
    """Return predicted minus true volume in mL; NaN where not applicable.

    Args:
        prediction: as `comparability`.
        reference: as `comparability`.
        spacing: as `comparability`.

    Raises:
        ValueError: as `comparability`.
    """
    if comparability(prediction, reference, spacing=spacing) == "not applicable":
        return math.nan
    return _volume_ml(prediction, spacing) - _volume_ml(reference, spacing)


def _surface_distances(
    a: Mask, b: Mask, spacing: Spacing
) -> tuple[Float[np.ndarray, " surface_a"], Float[np.ndarray, " surface_b"]]:
    box = ndimage.find_objects((a | b).astype(np.uint8))[0]
    surface_a, surface_b = _surface(a[box]), _surface(b[box])
    to_a, to_b = (
        ndimage.distance_transform_edt(~surface, sampling=spacing) for surface in (surface_a, surface_b)
    )
    return to_b[surface_a], to_a[surface_b]


def _surface(structure: Bool[np.ndarray, "R A S"]) -> Bool[np.ndarray, "R A S"]:
    return structure & ~ndimage.binary_erosion(structure)


def _cut_small(structure: Mask, spacing: Spacing) -> bool:
    if not 0 < _volume_ml(structure, spacing) < CUT_LIMIT_ML:
        return False
    return any(bool(structure.take(end, axis).any()) for axis in range(3) for end in (0, -1))


def _volume_ml(structure: Mask, spacing: Spacing) -> float:
    return float(structure.sum()) * math.prod(spacing) / MM3_PER_ML


def _check(prediction: np.ndarray, reference: np.ndarray, spacing: Spacing) -> None:
    if prediction.shape != reference.shape:
        raise ValueError(f"expected two structures of one shape, found {prediction.shape}, {reference.shape}")
    if prediction.dtype != np.bool_ or reference.dtype != np.bool_:
        kinds = f"{prediction.dtype} and {reference.dtype}"
        raise ValueError(
            f"expected boolean structures, found {kinds}: compare the labels with a number first"
        )
    if not all(step > 0 for step in spacing):
        raise ValueError(f"expected positive spacings in mm, found {spacing}")
