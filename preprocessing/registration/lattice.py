"""A lattice of B-spline control points over a fixed image, as arrays that an optimiser can work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

ORDER = 3
"""Degree of the splines."""

Displacement = Float[np.ndarray, "3 k j i"]
Coefficients = Float[np.ndarray, "3 c b a"]


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Cubic B-spline displacements over one image's box.

    Args:
        transform: SimpleITK's transform of zero displacement, whose lattice this is.
        spacing: millimetres between control points along k, j, i.
        shape: control points along k, j, i.
    """

    transform: sitk.BSplineTransform
    spacing: tuple[float, ...]
    shape: tuple[int, ...]

    def bases(self, grid: sitk.Image) -> tuple[Float[np.ndarray, "_ _"], ...]:
        """Return the weight of every control point at every voxel, along k, j and i.

        Args:
            grid: image whose axes are those of the lattice's image.
        """
        fixed = self.transform.GetFixedParameters()
        direction = np.reshape(fixed[9:18], (3, 3))
        first = direction.T @ (np.array(grid.GetOrigin()) - np.array(fixed[3:6])) / np.array(fixed[6:9])
        steps = np.array(grid.GetSpacing()) / np.array(fixed[6:9])
        axes = zip(first[::-1], steps[::-1], grid.GetSize()[::-1], self.shape, strict=True)
        return tuple(
            cubic_spline(start + step * np.arange(count)[:, None] - np.arange(controls))
            for start, step, count, controls in axes
        )

    def filled(self, parameters: Float[np.ndarray, " m"]) -> sitk.BSplineTransform:
        """Return the transform with these displacements of its control points.

        Args:
            parameters: millimetres along L, then P, then S, each over k, j, i.
        """
        transform = sitk.BSplineTransform(self.transform)
        transform.SetParameters([float(value) for value in parameters])
        return transform


def lattice_over(image: sitk.Image, *, spacing: float) -> Lattice:
    """Return a lattice over an image's box.

    Args:
        image: the fixed image.
        spacing: millimetres between control points that are aimed at; whole cells must fill the box.
    """
    # Half a voxel beyond the outer voxels' centres. SimpleITK's own initialiser would reorder the axes.
    extent = np.array(image.GetSpacing()) * np.array(image.GetSize())
    cells = [int(count) for count in np.maximum(np.rint(extent / spacing), 1)]
    transform = sitk.BSplineTransform(3, ORDER)
    transform.SetTransformDomainOrigin(image.TransformContinuousIndexToPhysicalPoint((-0.5, -0.5, -0.5)))
    transform.SetTransformDomainPhysicalDimensions([float(length) for length in extent])
    transform.SetTransformDomainDirection(image.GetDirection())
    transform.SetTransformDomainMeshSize(cells)
    steps = transform.GetFixedParameters()[6:9]
    return Lattice(
        transform=transform,
        spacing=tuple(float(step) for step in steps[::-1]),
        shape=tuple(count + ORDER for count in cells[::-1]),
    )


def cubic_spline(distance: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Return the cubic B-spline at distances from its knot, in cells.

    Args:
        distance: of any sign.
    """
    near = np.abs(distance)
    inner = 2 / 3 - near**2 + near**3 / 2
    outer = np.clip(2 - near, 0, None) ** 3 / 6
    return np.asarray(np.where(near < 1, inner, outer))


def displacement(coefficients: Coefficients, bases: tuple[Float[np.ndarray, "_ _"], ...]) -> Displacement:
    """Return displacements of voxels, millimetres along LPS.

    Args:
        coefficients: displacements of the control points.
        bases: as `Lattice.bases` returns them.
    """
    along_k, along_j, along_i = bases
    rows = coefficients @ along_i.T
    planes = along_j @ rows
    return np.asarray(np.einsum("kc,dcji->dkji", along_k, planes, optimize=True))


def gathered(forces: Displacement, bases: tuple[Float[np.ndarray, "_ _"], ...]) -> Coefficients:
    """Return the sum of forces on voxels as forces on control points: the adjoint of `displacement`.

    Args:
        forces: on every voxel.
        bases: as `Lattice.bases` returns them.
    """
    along_k, along_j, along_i = bases
    planes = np.einsum("kc,dkji->dcji", along_k, forces, optimize=True)
    return np.asarray(along_j.T @ planes @ along_i)


def bending(coefficients: Coefficients, spacing: tuple[float, ...]) -> tuple[float, Coefficients]:
    """Return how much a lattice bends, and the derivative by its coefficients.

    The mean over the lattice of the squared second differences, straight and mixed, per mm squared: the
    thin-plate energy of Rueckert et al. 1999, doi:10.1109/42.796284, equation 9, on the control points as in
    P-splines (Eilers and Marx 1996). Rigid and affine motion costs nothing.

    Args:
        coefficients: millimetres.
        spacing: millimetres between control points along k, j, i.
    """
    slope = np.zeros_like(coefficients)
    energy = 0.0
    for first in range(3):
        for second in range(first, 3):
            part, its_slope = _second_difference(coefficients, first + 1, second + 1)
            weight = (1 if first == second else 2) / (spacing[first] * spacing[second]) ** 2
            energy += weight * part
            slope += weight * its_slope
    count = coefficients[0].size
    return energy / count, slope / count


def _second_difference(coefficients: Coefficients, first: int, second: int) -> tuple[float, Coefficients]:
    difference = np.diff(np.diff(coefficients, axis=first), axis=second)
    back = _undiff(_undiff(2 * difference, second), first)
    return float((difference**2).sum()), back


def _undiff(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the adjoint of a first difference along an axis."""
    edge = np.zeros_like(np.take(values, [0], axis=axis))
    return np.asarray(np.concatenate([edge, values], axis=axis) - np.concatenate([values, edge], axis=axis))
