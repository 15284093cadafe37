"""What the metrics work on: volumes as arrays [R, A, S], planes through them, and regions of them."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, Real

from preprocessing.orientation import canonical

Volume: TypeAlias = Real[np.ndarray, "R A S"]
Mask: TypeAlias = Bool[np.ndarray, "R A S"]
Plane = Literal["sagittal", "coronal", "axial"]
Spacing: TypeAlias = tuple[float, float, float]

PLANE_AXIS: dict[Plane, int] = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Axis of an [R, A, S] array along which the slices of a plane are stacked."""


def canonical_array(image: sitk.Image) -> Real[np.ndarray, "R A S"]:
    """Return the voxels as an array whose indices grow to the patient's right, front and head.

    Args:
        image: 3D image in LPS millimetres, of any orientation; an oblique one keeps its slant.
    """
    # SimpleITK's arrays are indexed [k, j, i].
    return np.ascontiguousarray(sitk.GetArrayFromImage(canonical(image)).T)


def canonical_spacing(image: sitk.Image) -> Spacing:
    """Return the spacing in mm along the axes of `canonical_array`.

    Args:
        image: 3D image in LPS millimetres, of any orientation.
    """
    right, front, head = canonical(image).GetSpacing()
    return right, front, head


def slices(volume: Real[np.ndarray, "R A S"] | Mask, plane: Plane) -> Iterator[np.ndarray]:
    """Yield the slices of a plane, the remaining two axes in order.

    Args:
        volume: array [R, A, S].
        plane: "sagittal", "coronal" or "axial".
    """
    yield from np.moveaxis(volume, axis_of(plane), 0)


def axis_of(plane: Plane) -> int:
    """Return the stacking axis of a plane in an [R, A, S] array.

    Raises:
        ValueError: the plane is unknown.
    """
    if plane not in PLANE_AXIS:
        raise ValueError(f"plane must be one of {list(PLANE_AXIS)}, got {plane!r}")
    return PLANE_AXIS[plane]


def in_region(
    prediction: Volume, reference: Volume, mask: Mask
) -> tuple[Float[np.ndarray, " voxel"], Float[np.ndarray, " voxel"]]:
    """Return the voxels of both volumes inside the mask, in float64.

    Args:
        prediction: volume to judge.
        reference: volume on the same grid.
        mask: region of interest.

    Raises:
        ValueError: shapes differ, the mask is no mask or empty, or a voxel inside it is not finite.
    """
    check_region(prediction, reference, mask)
    values = prediction[mask].astype(np.float64), reference[mask].astype(np.float64)
    for name, voxels in zip(("prediction", "reference"), values, strict=True):
        if not np.isfinite(voxels).all():
            count = int((~np.isfinite(voxels)).sum())
            raise ValueError(f"{name}: expected finite voxels in the mask, found {count} that are not")
    return values


def check_region(prediction: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> None:
    """Refuse volumes of different shapes and a mask that selects nothing.

    Raises:
        ValueError: shapes differ, or the mask is not boolean or empty.
    """
    if not prediction.shape == reference.shape == mask.shape:
        shapes = f"prediction {prediction.shape}, reference {reference.shape}, mask {mask.shape}"
        raise ValueError(f"expected three arrays of one shape, found {shapes}: reslice onto one grid first")
    if mask.dtype != np.bool_:
        raise ValueError(f"expected a mask of booleans, found {mask.dtype}: say which values are inside")
    if not mask.any():
        raise ValueError("expected a mask with at least one voxel, found none: the metric has no region")
