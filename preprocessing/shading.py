"""A first guess of an MR's shading from differences between places near each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from preprocessing.spline_field import Basis, Coefficients, bending, field_rows

LAGS_MM = (8.0, 16.0, 32.0, 48.0)
"""Distances of the places that are compared, along each axis."""
MOST_PAIRS = 120_000
"""Pairs beyond this number are thinned out: they would add time and no precision."""
WIDTHS = tuple(0.2 * 0.7**step for step in range(3)) + (0.08,) * 7
"""Difference of logarithms from which a pair counts as two tissues: wide at first, then narrow."""
STIFFNESS = 0.1
"""Weight of the bending beside the mean weight of the data."""
LEAST_STIFF = 1e-3
"""Share of it that holds the coefficients themselves, which differences leave free."""
ENTROPY_BIN = 0.01
"""Bin of the histogram of logarithms."""
ENTROPY_SMOOTHING = 0.03
"""Standard deviation by which that histogram is smoothed."""


def shading_coefficients(
    logarithms: Float[np.ndarray, "z y x"],
    inside: Bool[np.ndarray, "z y x"],
    *,
    spacing: Sequence[float],
    bases: Sequence[Basis],
    spans: Sequence[int],
) -> Coefficients:
    """Coefficients of a smooth field that explains small differences between neighbours of one tissue.

    Tissues meet at steps, which a smooth field cannot explain; so pairs of places are fitted with a loss
    that forgets large residuals (Geman and McClure). That the shading shows in the many small gradients is
    the idea of Zheng et al. 2009, doi:10.1007/978-3-642-04271-3_103. Unlike a histogram, it does not
    confuse shading with organs that are a little darker than muscle.

    Args:
        logarithms: of the intensities.
        inside: places that count.
        spacing: of the places along the array axes, millimetres.
        bases: cubic B-splines of each array axis at its places.
        spans: number of spans of each.
    """
    low, high = _pairs(inside, spacing)
    rows = field_rows(bases, high) - field_rows(bases, low)
    rises = logarithms[tuple(high.T)] - logarithms[tuple(low.T)]
    stiff = bending(spans)
    stiff += LEAST_STIFF * np.eye(len(stiff))
    coefficients = np.zeros(len(stiff))
    for width in WIDTHS:
        residual = rises - rows @ coefficients
        weight = 1 / (1 + (residual / width) ** 2) ** 2
        weighted = (rows * weight.astype(np.float32)[:, None]).T
        normal = (weighted @ rows).astype(float)
        mean = np.trace(normal) / len(normal)
        if mean == 0:
            return coefficients
        coefficients = np.linalg.solve(normal + STIFFNESS * mean * stiff, weighted @ rises)
    return coefficients


def entropy(logarithms: Float[np.ndarray, " place"]) -> float:
    """Entropy, in nats, of the smoothed histogram of logarithms: shading raises it.

    Args:
        logarithms: of intensities.
    """
    low, high = float(logarithms.min()), float(logarithms.max())
    margin = 5 * ENTROPY_SMOOTHING
    edges = np.arange(low - margin, high + margin + ENTROPY_BIN, ENTROPY_BIN)
    counts = np.histogram(logarithms, bins=edges)[0].astype(float)
    smooth = ndimage.gaussian_filter1d(counts, ENTROPY_SMOOTHING / ENTROPY_BIN)
    share = smooth[smooth > 0] / smooth.sum()
    return float(-(share * np.log(share)).sum())


def _pairs(
    inside: Bool[np.ndarray, "z y x"], spacing: Sequence[float]
) -> tuple[Int[np.ndarray, "pair 3"], Int[np.ndarray, "pair 3"]]:
    low = []
    steps = []
    for axis, distance in enumerate(spacing):
        for lag in sorted({max(1, round(lag / distance)) for lag in LAGS_MM}):
            both = np.zeros_like(inside)
            here, there = [slice(None)] * 3, [slice(None)] * 3
            here[axis], there[axis] = slice(None, -lag), slice(lag, None)
            both[tuple(here)] = inside[tuple(here)] & inside[tuple(there)]
            found = np.argwhere(both)
            low.append(found)
            steps.append(np.broadcast_to(lag * np.eye(3, dtype=int)[axis], found.shape))
    first, step = np.concatenate(low), np.concatenate(steps)
    stride = max(1, -(-len(first) // MOST_PAIRS))
    return first[::stride], (first + step)[::stride]
