"""One resolution of the B-spline stage: what a set of control points costs, and where it would rather be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float

from preprocessing.registration.information import Information, information_with
from preprocessing.registration.interpolant import Interpolant, interpolant
from preprocessing.registration.lattice import Lattice, bending, displacement, gathered
from preprocessing.registration.match import Match
from preprocessing.registration.similarity import voxels

LEAST_VOXELS = 4
"""No axis is thinned out to fewer voxels than this."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The cost of control points at one resolution: bending less mutual information.

    Args:
        lattice: of the control points.
        bases: weight of every control point at every fixed voxel, along k, j, i.
        inside: fixed voxels that are compared.
        points: where `start` takes them, LPS mm.
        turn: matrix of `start`.
        moving: the moving image.
        information: the measure for the fixed voxels.
        stiffness: what bending costs, nat mm^2.
    """

    lattice: Lattice
    bases: tuple[Float[np.ndarray, "_ _"], ...]
    inside: Bool[np.ndarray, "k j i"]
    points: Float[np.ndarray, "3 n"]
    turn: Float[np.ndarray, "3 3"]
    moving: Interpolant
    information: Information
    stiffness: float

    def cost(self, parameters: Float[np.ndarray, " m"]) -> tuple[float, Float[np.ndarray, " m"]]:
        """Return the cost of a transform in nat, and its slope.

        Args:
            parameters: of SimpleITK's transform, millimetres.
        """
        coefficients = parameters.reshape(3, *self.lattice.shape)
        moved = displacement(coefficients, self.bases)[:, self.inside]
        values, gradient = self.moving(self.points + self.turn @ moved)
        found, slope = self.information(values)
        forces = np.zeros((3, *self.inside.shape))
        forces[:, self.inside] = self.turn.T @ (gradient * slope)
        energy, resistance = bending(coefficients, self.lattice.spacing)
        total = self.stiffness * resistance - gathered(forces, self.bases)
        return self.stiffness * energy - found, total.ravel()


def resolution_of(
    match: Match,
    *,
    near: sitk.Image,
    lattice: Lattice,
    start: sitk.Transform,
    shrink: int,
    smoothing: float,
    bins: int,
    stiffness: float,
) -> Resolution:
    """Return one resolution of a match.

    Args:
        match: the two images.
        near: which fixed voxels are compared.
        lattice: of the control points.
        start: rigid motion from fixed to moving points, LPS mm.
        shrink: voxels along each axis of which the mean is taken.
        smoothing: standard deviation of the Gaussian before, millimetres.
        bins: of the histogram along each image.
        stiffness: what bending costs, nat mm^2.
    """
    # BinShrink: the grid that Shrink leaves does not lie where its samples were taken.
    factors = [max(1, min(shrink, count // LEAST_VOXELS)) for count in match.fixed.GetSize()]
    fixed = sitk.BinShrink(_smoothed(match.fixed, smoothing), factors)
    inside = voxels(sitk.BinShrink(sitk.Cast(near != 0, sitk.sitkFloat32), factors)) >= 0.5
    moving = interpolant(_smoothed(match.moving, smoothing))
    turn, shift = affine_of(start)
    points = turn @ _positions(fixed, inside) + shift[:, None]
    covered = moving.covers(points)
    inside[inside] = covered
    measure = information_with(
        voxels(fixed)[inside], bins=bins, fixed_window=match.fixed_window, moving_window=match.moving_window
    )
    return Resolution(
        lattice=lattice,
        bases=lattice.bases(fixed),
        inside=inside,
        points=points[:, covered],
        turn=turn,
        moving=moving,
        information=measure,
        stiffness=stiffness,
    )


def affine_of(transform: sitk.Transform) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Return matrix and shift of a rigid or affine transform, LPS mm.

    Args:
        transform: such a transform.
    """
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    ends = [np.array(transform.TransformPoint(unit)) for unit in ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))]
    return np.stack(ends, axis=1) - origin[:, None], origin


def _positions(image: sitk.Image, inside: Bool[np.ndarray, "k j i"]) -> Float[np.ndarray, "3 n"]:
    axes = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    index = np.argwhere(inside)[:, ::-1].T
    return np.asarray(axes @ index + np.array(image.GetOrigin())[:, None])


def _smoothed(image: sitk.Image, sigma: float) -> sitk.Image:
    if sigma <= 0:
        return image
    smooth: sitk.Image = sitk.SmoothingRecursiveGaussian(image, sigma)
    return smooth
