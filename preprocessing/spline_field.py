"""Smooth fields over a box as products of cubic B-splines along its axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

ORDER = 3
"""Cubic."""
Basis = Float[np.ndarray, "_ _"]
"""Splines of one axis at some positions, [position, coefficient]."""
Coefficients = Float[np.ndarray, " coefficient"]
"""Of the products of splines, those of the last axis running fastest."""


def spans_of(extent: Sequence[float], knot_spacing: float) -> tuple[int, ...]:
    """Spans between knots along each axis, as few as `knot_spacing` allows.

    Args:
        extent: length of the box along each axis, millimetres.
        knot_spacing: greatest distance of two knots, millimetres.
    """
    return tuple(max(1, math.ceil(length / knot_spacing)) for length in extent)


def spline_basis(positions: Float[np.ndarray, " position"], spans: int) -> Basis:
    """Values of the splines of one axis; they sum to 1 at every position.

    Args:
        positions: places between 0 and 1, the ends of the axis.
        spans: number of spans between knots; there are `ORDER` more coefficients.
    """
    places = np.clip(positions, 0, 1) * spans
    span = np.minimum(places.astype(int), spans - 1)
    t = places - span
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    basis = np.zeros((len(positions), spans + ORDER))
    for offset, weight in enumerate(weights):
        basis[np.arange(len(positions)), span + offset] = weight / 6
    return basis


def field_values(coefficients: Coefficients, bases: Sequence[Basis]) -> Float[np.ndarray, "z y x"]:
    """Field on the lattice of the positions of three axes.

    Args:
        coefficients: of the products of splines, those of the last axis running fastest.
        bases: splines of each axis at its positions.
    """
    first, second, third = bases
    cube = coefficients.reshape(first.shape[1], second.shape[1], third.shape[1]).astype(np.float32)
    # Axis by axis, the longest product last: a lattice of millions costs little more than one pass over it.
    along = np.tensordot(first.astype(np.float32), cube, axes=(1, 0))
    along = np.matmul(second.astype(np.float32), along)
    return np.asarray(along @ third.astype(np.float32).T)


def field_rows(bases: Sequence[Basis], index: Int[np.ndarray, "point 3"]) -> Float[np.ndarray, "point _"]:
    """Products of splines at some points of a lattice: the rows of a least squares problem.

    Args:
        bases: splines of each axis at its positions.
        index: number of each point along the three axes.
    """
    first, second, third = (basis.astype(np.float32)[index[:, axis]] for axis, basis in enumerate(bases))
    products: np.ndarray = np.einsum("pa,pb,pc->pabc", first, second, third)
    return products.reshape(len(index), first.shape[1] * second.shape[1] * third.shape[1])


def bending(spans: Sequence[int]) -> Float[np.ndarray, "coefficient coefficient"]:
    """Matrix whose quadratic form is the sum of squared second differences of the coefficients.

    Args:
        spans: number of spans between knots along each axis.
    """
    counts = [number + ORDER for number in spans]
    total = np.zeros((math.prod(counts), math.prod(counts)))
    for axis, count in enumerate(counts):
        parts = [np.eye(other) for other in counts]
        parts[axis] = np.diff(np.eye(count), n=2, axis=0)
        matrix = np.kron(np.kron(parts[0], parts[1]), parts[2])
        total += matrix.T @ matrix
    return total
