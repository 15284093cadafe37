"""Do the slices of a stack fit together? Asked of the error, so that anatomy itself is no roughness."""

import numpy as np

from evaluation.arrays import Mask, Plane, Volume, axis_of, check_region

KEPT_EDGE_ENERGY = 0.95
"""A smoother stack only counts as better while it keeps this share of the truth's edges at bone."""


def slice_roughness(prediction: Volume, truth: Volume, *, plane: Plane, mask: Mask) -> float:
    """Return the mean absolute second difference along the stack of prediction - truth, in their unit.

    An offset that is the same in all slices, or grows evenly along the stack, is not rough.

    Args:
        prediction: volume [R, A, S] made slice by slice.
        truth: noise-free truth on the same grid and in the same unit.
        plane: plane of the slices.
        mask: region; a voxel counts when its neighbours in both directions are inside too.

    Raises:
        ValueError: shapes differ, or fewer than three slices in a row lie inside the mask.
    """
    check_region(prediction, truth, mask)
    error = _stack(prediction, plane) - _stack(truth, plane)
    inside = np.moveaxis(mask, axis_of(plane), 0)
    counted = inside[:-2] & inside[1:-1] & inside[2:]
    if not counted.any():
        raise ValueError(f"expected three {plane} slices in a row inside the mask, found none")
    return float(np.abs(np.diff(error, n=2, axis=0))[counted].mean())


def edge_energy_ratio(prediction: Volume, truth: Volume, *, plane: Plane, bone: Mask) -> float:
    """Return the share of the truth's through-plane edge energy at bone that the prediction has.

    Energy is the sum of squared differences between neighbouring slices, where either voxel is bone. Blur
    along the stack lowers it: a result under 0.95 must not win by its smoothness.

    Args:
        prediction: as `slice_roughness`.
        truth: as `slice_roughness`.
        plane: as `slice_roughness`.
        bone: bone of the truth.

    Raises:
        ValueError: shapes differ, there is no bone, or the truth has no edge there.
    """
    check_region(prediction, truth, bone)
    is_bone = np.moveaxis(bone, axis_of(plane), 0)
    at_bone = is_bone[1:] | is_bone[:-1]
    kept, true = (
        np.square(np.diff(_stack(volume, plane), axis=0)[at_bone]).sum() for volume in (prediction, truth)
    )
    if true == 0:
        raise ValueError(f"expected the truth to change between {plane} slices at bone, found no change")
    return float(kept / true)


def _stack(volume: np.ndarray, plane: Plane) -> np.ndarray:
    return np.moveaxis(volume.astype(np.float64), axis_of(plane), 0)
