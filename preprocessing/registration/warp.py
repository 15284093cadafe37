"""Bring a scan onto another's grid through a transform."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from preprocessing.grid import Grid, grid_of, place, three_floats
from preprocessing.low_pass import low_passed
from preprocessing.registration.resolution import affine_of
from preprocessing.registration.similarity import covered_by
from preprocessing.resampling import anti_aliasing_sigma
from preprocessing.scan import Scan

STEPS, RESIDUAL_MM = 50, 1e-3
"""Most steps of the iteration that carries a landmark, and when it ends."""


def warped(
    scan: Scan, fixed: sitk.Image, transform: sitk.Transform, *, outside: float, anti_aliasing: bool
) -> Scan:
    """Return a scan on a fixed image's grid: intensities linear, mask and labels nearest, with coverage.

    Args:
        scan: the moving scan.
        fixed: image whose grid is wanted.
        transform: from fixed to moving points, LPS mm: a rigid motion after a deformation, if any.
        outside: intensity where the scan does not reach.
        anti_aliasing: blur the scan first along axes that become coarser. Without it, the transform alone
            applied to the image gives the result.
    """
    image = sitk.Cast(scan.image, sitk.sitkFloat32)
    image = _low_passed(image, grid_of(fixed), transform) if anti_aliasing else image
    coverage = covered_by(scan.image, fixed, transform)
    if scan.coverage is not None:
        coverage = sitk.And(
            coverage, sitk.Cast(_nearest(scan.coverage, fixed, transform) != 0, sitk.sitkUInt8)
        )
    return replace(
        scan,
        image=sitk.Resample(image, fixed, transform, sitk.sitkLinear, outside),
        mask=None if scan.mask is None else _nearest(scan.mask, fixed, transform),
        label=None if scan.label is None else _nearest(scan.label, fixed, transform),
        coverage=coverage,
        landmarks={name: _carried(point, transform) for name, point in scan.landmarks.items()},
    )


def _nearest(labels: sitk.Image, fixed: sitk.Image, transform: sitk.Transform) -> sitk.Image:
    result: sitk.Image = sitk.Resample(labels, fixed, transform, sitk.sitkNearestNeighbor, 0)
    return result


def _low_passed(image: sitk.Image, target: Grid, transform: sitk.Transform) -> sitk.Image:
    # Only the rigid motion turns the axes; a deformation that does not fold turns them by a few degrees more.
    turn, _ = affine_of(rigid_part(transform))
    axes = turn @ np.reshape(target.direction, (3, 3))
    turned = replace(target, direction=tuple(float(value) for value in axes.ravel()))
    source = grid_of(image)
    sigma = np.divide(anti_aliasing_sigma(source, turned), source.spacing)[::-1]
    if not sigma.any():
        return image
    smooth = sitk.GetImageFromArray(low_passed(sitk.GetArrayFromImage(image), three_floats(sigma.tolist())))
    place(smooth, source)
    return smooth


def rigid_part(transform: sitk.Transform) -> sitk.Transform:
    """Return the rigid motion of a registration: the first of a composite, which is applied last.

    Args:
        transform: a rigid motion, or a composite that begins with one.
    """
    if transform.GetTransformEnum() != sitk.sitkComposite:
        return transform
    rigid: sitk.Transform = sitk.CompositeTransform(transform).GetNthTransform(0)
    return rigid


def _carried(point: tuple[float, float, float], transform: sitk.Transform) -> tuple[float, float, float]:
    """Return the fixed point that the transform takes to a moving point."""
    back = rigid_part(transform).GetInverse()
    place_ = np.array(back.TransformPoint(point))
    for _ in range(STEPS):
        reached = np.array(back.TransformPoint(transform.TransformPoint(place_.tolist())))
        missing = np.array(back.TransformPoint(point)) - reached
        place_ = place_ + missing
        if np.linalg.norm(missing) < RESIDUAL_MM:
            break
    return three_floats(place_.tolist())
