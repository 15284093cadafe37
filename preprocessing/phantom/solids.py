"""Implicit solids: approximate signed distances (mm, negative inside) that anatomy is put together from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from preprocessing.phantom.fields import Coordinates

Array = NDArray[np.float32]
STEP = 0.25
"""Height in mm between tabulated sections of a sweep; far below a voxel."""
THINNEST = 0.8
"""Smallest semi-axis in mm of a section, so that a sweep ends in a tip."""
FAR = np.float32(1e3)
"""A distance in mm larger than any that decides anything."""
Knot = tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Box:
    """An upright box in rest coordinates, mm: tells which solids are worth evaluating.

    Args:
        low: smallest lateral, posterior and head coordinate.
        high: largest.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def meets(self, other: Box) -> bool:
        """Return whether the boxes touch."""
        below = all(a <= b for a, b in zip(self.low, other.high, strict=True))
        return below and all(a >= b for a, b in zip(self.high, other.low, strict=True))


def box_around(points: Coordinates, margin: float) -> Box:
    """Return the box of the points, grown by a margin in mm."""
    u, y, z = points
    low = (float(u.min()) - margin, float(y.min()) - margin, float(z.min()) - margin)
    high = (float(u.max()) + margin, float(y.max()) + margin, float(z.max()) + margin)
    return Box(low, high)


class Sweep:
    """A solid swept along the body: at each height a bent (super)ellipse, splined between the knots.

    Args:
        knots: rows (height, lateral centre, posterior centre, semi-axis along, semi-axis across, angle of the
            long axis from lateral towards posterior in degrees, bend in 1/mm: the ends curve to the normal).
        thicken: factor on the semi-axis across (muscle bulk).
        power: 2 for an ellipse, 3 for a boxier section.
    """

    def __init__(self, knots: Sequence[Knot], *, thicken: float = 1.0, power: int = 2) -> None:
        rows = np.array(sorted(knots), dtype=float)
        heights = np.arange(rows[0, 0], rows[-1, 0] + STEP, STEP)
        # Squared semi-axes are splined, so that a muscle's end is round and not a cone.
        rows[:, 3:5] **= 2
        centre_u, centre_y, along, across, angle, bend = PchipInterpolator(rows[:, 0], rows[:, 1:], axis=0)(
            np.clip(heights, rows[0, 0], rows[-1, 0])
        ).T
        along = np.sqrt(np.maximum(along, THINNEST**2))
        across = np.sqrt(np.maximum(across * thicken**2, THINNEST**2))
        angle = np.deg2rad(angle)
        table = (centre_u, centre_y, np.cos(angle), np.sin(angle), 1 / along, 1 / across, bend)
        self._table = np.ascontiguousarray(np.transpose(table), dtype=np.float32)
        self._first, self._last = float(heights[0]), float(heights[-1])
        self._power = power
        reach = np.maximum(along, across) + np.abs(bend) * along**2
        low = (float((centre_u - reach).min()), float((centre_y - reach).min()), self._first)
        high = (float((centre_u + reach).max()), float((centre_y + reach).max()), self._last)
        self.box = Box(low, high)

    def __call__(self, points: Coordinates, near: Box | None = None) -> Array:
        """Return the approximate signed distance, mm.

        Args:
            points: lateral, posterior and head coordinates, mm.
            near: box of the points with a margin; a solid that it does not meet is `FAR`.
        """
        u, y, z = points
        if near is not None and not near.meets(self.box):
            return np.full(u.shape, FAR, np.float32)
        row = ((z - np.float32(self._first)) * np.float32(1 / STEP) + np.float32(0.5)).astype(np.intp)
        sections = self._table.take(row, axis=0, mode="clip")
        centre_u, centre_y, cos, sin, along, across, bend = sections.T
        u = u - centre_u
        y = y - centre_y
        s = u * cos + y * sin
        t = y * cos - u * sin - bend * s * s
        outside = np.maximum(np.maximum(np.float32(self._first) - z, z - np.float32(self._last)), 0)
        result: Array = _ellipse_distance(s * along, t * across, along, across, self._power) + outside
        return result


def _ellipse_distance(e: Array, g: Array, along: Array, across: Array, power: int) -> Array:
    """Return level / |gradient of level| of a (super)ellipse; e, g are coordinates over the semi-axes."""
    small = np.float32(1e-6)
    level: Array
    if power == 2:
        level = np.sqrt(e * e + g * g + small)
        slope = _length(e * along, g * across) / level + small
        return (level - 1) / slope
    e2, g2 = e * e, g * g
    level = np.cbrt(e2 * np.abs(e) + g2 * np.abs(g) + small)
    slope = _length(e2 * along, g2 * across) / (level * level) + small
    return (level - 1) / slope


def _length(first: Array, second: Array) -> Array:
    # Ten times as fast as np.hypot, whose guard against overflow is not needed here.
    length: Array = np.sqrt(first * first + second * second)
    return length


def ellipsoid(points: Coordinates, centre: Sequence[float], radii: Sequence[float]) -> Array:
    """Return the approximate signed distance to an ellipsoid with its axes along the frame, mm."""
    scaled = [(p - np.float32(c)) / np.float32(r) for p, c, r in zip(points, centre, radii, strict=True)]
    level: Array = np.sqrt(sum(s * s for s in scaled) + np.float32(1e-6))
    slope = np.sqrt(sum((s / np.float32(r)) ** 2 for s, r in zip(scaled, radii, strict=True))) / level
    distance: Array = np.divide(level - 1, slope + np.float32(1e-6), dtype=np.float32)
    return distance


def rod(
    points: Coordinates, start: Sequence[float], end: Sequence[float], radii: tuple[float, float]
) -> Array:
    """Return the approximate signed distance to a round-ended rod whose radius changes along it."""
    axis = np.subtract(end, start)
    offsets = [p - np.float32(s) for p, s in zip(points, start, strict=True)]
    weights = (axis / (axis @ axis)).astype(np.float32)
    along = np.clip(sum(o * w for o, w in zip(offsets, weights, strict=True)), 0, 1)
    squared = sum((o - along * np.float32(a)) ** 2 for o, a in zip(offsets, axis, strict=True))
    distance: Array = np.sqrt(squared) - (np.float32(radii[0]) + along * np.float32(radii[1] - radii[0]))
    return distance


def smooth_union(first: Array, second: Array, blend: float) -> Array:
    """Return the union of two solids with their crease filled over `blend` mm (polynomial smooth minimum)."""
    fill = np.maximum(np.float32(blend) - np.abs(first - second), 0)
    union: Array = np.minimum(first, second) - fill * fill * np.float32(0.25 / blend)
    return union


def smooth_intersection(first: Array, second: Array, blend: float) -> Array:
    """Return the intersection of two solids with its edge rounded over `blend` mm."""
    return -smooth_union(-first, -second, blend)


def smooth_step(value: Array, low: float, high: float) -> Array:
    """Return 0 below `low`, 1 above `high`, and the cubic between (either may be the larger)."""
    t = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    step: Array = t * t * (3 - 2 * t)
    return step
