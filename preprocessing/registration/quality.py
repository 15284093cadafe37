"""What can be measured of a registration without knowing the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.registration.landmarks_start import common_points
from preprocessing.registration.match import Match
from preprocessing.registration.similarity import covered_by, dice, matched_information, voxels
from preprocessing.scan import Landmarks

SHIFT_MM = 10.0
"""A right registration loses information when it is shifted so far; a wrong one has little to lose."""


@dataclass(frozen=True, kw_only=True)
class StageQuality:
    """How well a transform lays two scans on each other.

    Args:
        mutual_information: in nat, inside the fixed body where the moving image reaches.
        body_dice: of the two body masks, where the moving image reaches.
        compared: share of the fixed body where the moving image reaches.
        landmark_error: mean distance of common landmarks in mm, or None without any.
    """

    mutual_information: float
    body_dice: float
    compared: float
    landmark_error: float | None


@dataclass(frozen=True, kw_only=True)
class Folding:
    """How a transform changes volumes inside the fixed body.

    Args:
        minimum: least determinant of its Jacobian matrix; 1 for a rigid motion.
        share: part of the voxels where it is not positive: the transform folds.
    """

    minimum: float
    share: float


def stage_quality(
    match: Match, transform: sitk.Transform, *, fixed: Landmarks, moving: Landmarks
) -> StageQuality:
    """Measure a transform.

    Args:
        match: the two images.
        transform: from fixed to moving points, LPS mm.
        fixed: landmarks of the fixed scan, LPS mm.
        moving: landmarks of the moving scan, LPS mm.
    """
    information, compared = matched_information(match, transform)
    covered = voxels(covered_by(match.moving, match.fixed, transform)) > 0
    moved = sitk.Resample(match.moving_mask, match.fixed, transform, sitk.sitkNearestNeighbor, 0)
    return StageQuality(
        mutual_information=information,
        body_dice=dice((voxels(match.fixed_mask) > 0) & covered, voxels(moved) > 0),
        compared=compared,
        landmark_error=landmark_error(transform, fixed=fixed, moving=moving),
    )


def landmark_error(transform: sitk.Transform, *, fixed: Landmarks, moving: Landmarks) -> float | None:
    """Return the mean distance in mm of common landmarks, or None without any.

    Args:
        transform: from fixed to moving points, LPS mm.
        fixed: points by name, LPS mm.
        moving: points by name, LPS mm.
    """
    here, there = common_points(fixed, moving)
    if not len(here):
        return None
    reached = np.array([transform.TransformPoint(point) for point in here.tolist()])
    return float(np.linalg.norm(reached - there, axis=1).mean())


def folding(match: Match, transform: sitk.Transform) -> Folding:
    """Measure how a transform changes volumes.

    Args:
        match: the two images.
        transform: from fixed to moving points, LPS mm.
    """
    inside = jacobian(match.fixed_mask, transform)[voxels(match.fixed_mask) > 0]
    return Folding(minimum=float(inside.min()), share=float((inside <= 0).mean()))


def jacobian(grid: sitk.Image, transform: sitk.Transform) -> Float[np.ndarray, "k j i"]:
    """Return the determinant of a transform's Jacobian matrix at every voxel, by differences over the grid.

    Args:
        grid: image whose grid is meant, at least two voxels along every axis.
        transform: from fixed to moving points, LPS mm.
    """
    lattice = (grid.GetSize(), grid.GetOrigin(), grid.GetSpacing(), grid.GetDirection())
    field = sitk.TransformToDisplacementField(transform, sitk.sitkVectorFloat64, *lattice)
    along = np.gradient(sitk.GetArrayViewFromImage(field), *grid.GetSpacing()[::-1], axis=(0, 1, 2))
    # Columns: change of the displacement along the image's axes i, j, k, and so along L, P, S.
    slopes = np.stack(along[::-1], axis=-1) @ np.reshape(grid.GetDirection(), (3, 3)).T
    return np.asarray(np.linalg.det(np.eye(3) + slopes))


def sharpness(match: Match, transform: sitk.Transform) -> float:
    """Return the share of the information that shifts by `SHIFT_MM` take away, from 0 to 1.

    Args:
        match: the two images.
        transform: from fixed to moving points, LPS mm.
    """
    best, _ = matched_information(match, transform)
    shifted = [matched_information(match, away)[0] for away in _shifts(transform)]
    return float(np.clip(1 - np.mean(shifted) / best, 0, 1)) if best > 0 else 0.0


def _shifts(transform: sitk.Transform) -> Iterator[sitk.Transform]:
    for axis in range(3):
        for sign in (-SHIFT_MM, SHIFT_MM):
            shift = [0.0, 0.0, 0.0]
            shift[axis] = sign
            yield sitk.CompositeTransform([sitk.TranslationTransform(3, shift), transform])
