"""First stage: the rigid motion that brings one set of landmarks nearest to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.scan import Landmarks

LEAST_SPREAD_MM = 10.0
"""Landmarks must spread at least so far (standard deviation) along two directions to fix a rotation."""


def common_points(
    fixed: Landmarks, moving: Landmarks
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Return the points that both sets name, in one order.

    Args:
        fixed: points by name, LPS mm.
        moving: points by name, LPS mm.
    """
    names = sorted(set(fixed) & set(moving))
    one, other = (np.array([points[name] for name in names], dtype=float) for points in (fixed, moving))
    return one.reshape(-1, 3), other.reshape(-1, 3)


@dataclass(frozen=True, kw_only=True)
class LandmarksStart:
    """Least-squares rigid motion between landmarks of the same name.

    Source: Kabsch 1976, doi:10.1107/S0567739476001873.

    Args:
        least: fewest common landmarks; with fewer, another start is needed.
    """

    least: int = 3

    def fits(self, fixed: Landmarks, moving: Landmarks) -> bool:
        """Tell whether enough landmarks are common, and not on one line.

        Args:
            fixed: points by name, LPS mm.
            moving: points by name, LPS mm.
        """
        points, _ = common_points(fixed, moving)
        if len(points) < max(self.least, 3):
            return False
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points))
        return bool(spread[1] >= LEAST_SPREAD_MM)

    def start(self, fixed: Landmarks, moving: Landmarks, *, centre: Sequence[float]) -> sitk.Transform:
        """Return the rigid motion from fixed to moving points, LPS mm.

        Args:
            fixed: points by name, LPS mm.
            moving: points by name, LPS mm.
            centre: about which the rotation is written, LPS mm.
        """
        here, there = common_points(fixed, moving)
        middle, target = here.mean(axis=0), there.mean(axis=0)
        left, _, right = np.linalg.svd((here - middle).T @ (there - target))
        handed = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
        turn = (left @ handed @ right).T
        return rigid_motion(turn, target - turn @ middle, centre=centre)


def rigid_motion(
    turn: Float[np.ndarray, "3 3"], shift: Float[np.ndarray, "3"], *, centre: Sequence[float]
) -> sitk.Euler3DTransform:
    """Return the motion x -> turn x + shift, written about a centre.

    Args:
        turn: rotation matrix.
        shift: millimetres, LPS.
        centre: LPS mm.
    """
    motion = sitk.Euler3DTransform()
    motion.SetCenter([float(value) for value in centre])
    motion.SetMatrix([float(value) for value in turn.ravel()], 1e-6)
    moved = turn @ np.array(centre) + shift - np.array(centre)
    motion.SetTranslation([float(value) for value in moved])
    return motion
