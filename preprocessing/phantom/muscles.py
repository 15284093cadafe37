"""The muscles at rest: swept bellies that compete for the room inside the fascia."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.bellies import BELLIES
from preprocessing.phantom.fields import Coordinates, SmoothField
from preprocessing.phantom.labels import label_id
from preprocessing.phantom.patient import Patient, random_stream
from preprocessing.phantom.pose import RestPoints
from preprocessing.phantom.solids import FAR, Array, Sweep, smooth_step

SWELLING = 3.5
"""Distance in mm by which a belly of typical bulk swells into free room, until it meets its neighbours."""
PLANE_VARIATION = 0.35
"""Relative standard deviation of a fat plane's thickness from place to place."""
WALL = (7.5, 6.0)
"""Depth under the fascia of the middle of the abdominal wall's muscles, and half their thickness, mm."""
SHEET_WAVELENGTH = (16.0, 34.0)
"""Range in mm of the wavelengths of the field on whose zero surfaces the fatty streaks lie."""
SHEET_STRETCH = (1.0, 1.0, 4.0)
"""How much longer streaks are along each axis: most along the fibres, which run about head to foot."""
SHEET_SLOPE = 0.27
"""Typical gradient in 1/mm of that field across the fibres."""


class Muscles:
    """The muscles of one patient, left and right.

    Args:
        patient: whose bulk, asymmetry, planes, streaks and seed apply.
    """

    def __init__(self, patient: Patient) -> None:
        self._bellies = {}
        self._swelling = {}
        for side in (+1, -1):
            bulk = patient.bulk * (1 + side * patient.asymmetry / 2)
            self._bellies[side] = [(name, Sweep(knots, thicken=bulk)) for name, knots in BELLIES]
            self._swelling[side] = np.float32(SWELLING + 12 * (bulk - 1))
        self._thickness = np.float32(patient.plane)
        self._infiltration = np.float32(patient.streaks)
        rng = random_stream(patient.seed, "muscle")
        self._plane = SmoothField(rng, wavelength=(40, 110), waves=4)
        self._sheet = SmoothField(rng, wavelength=SHEET_WAVELENGTH, waves=7, stretch=SHEET_STRETCH)
        self._amount = SmoothField(rng, wavelength=(25, 70), waves=5)

    def compete(
        self, rest: RestPoints, fascia: Array, cavity: Array
    ) -> tuple[Array, Array, NDArray[np.uint8]]:
        """Return the distance to the winning belly, that to the runner-up, and the winner's label.

        Bellies are drawn larger than their room: where they overlap, the one whose surface is farther wins,
        and the border runs where both are equal. Fascia and cavity confine the winner.
        """
        first, second = np.full_like(fascia, FAR), np.full_like(fascia, FAR)
        owner = np.zeros(fascia.shape, np.uint8)
        for name, distance in self._near(rest, fascia):
            closer = distance < first
            second = np.where(closer, first, np.minimum(second, distance))
            first = np.where(closer, distance, first)
            owner[closer] = label_id(name, rest.side)
        outer = np.maximum(fascia + np.float32(1.0), (first - cavity) / 2 + np.float32(1.0))
        return np.maximum(first, outer), np.maximum(second, outer), owner

    def plane_thickness(self, soft: Coordinates) -> Array:
        """Return the thickness of the fat planes, mm."""
        thickness = self._thickness * (1 + np.float32(PLANE_VARIATION) * self._plane(soft))
        result: Array = np.maximum(thickness, np.float32(0.3))
        return result

    def streaks(self, soft: Coordinates, inside: NDArray[np.bool_]) -> Array:
        """Return the distance to the nearest fatty streak inside muscle, mm, and `FAR` elsewhere."""
        distance = np.full(inside.shape, FAR, np.float32)
        if inside.any():
            points = (soft[0][inside], soft[1][inside], soft[2][inside])
            half = self._infiltration * (self._amount(points) - np.float32(0.35))
            distance[inside] = np.abs(self._sheet(points)) / np.float32(SHEET_SLOPE) - np.minimum(half, 2)
        return distance

    def _near(self, rest: RestPoints, fascia: Array) -> list[tuple[str, Array]]:
        swelling = self._swelling[rest.side]
        bellies = self._bellies[rest.side]
        near = [
            (name, solid(rest.soft) - swelling) for name, solid in bellies if rest.soft_box.meets(solid.box)
        ]
        if rest.soft_box.high[2] > 70:
            near.append(("other_muscles", _abdominal_wall(rest.soft, fascia)))
        return near


def _abdominal_wall(soft: Coordinates, fascia: Array) -> Array:
    """Return the distance to the flat muscles of flank and belly, a shell under the fascia."""
    u, y, z = soft
    depth, half = WALL
    crest = np.float32(78) + np.float32(60) * smooth_step(y, -50, 10)
    behind = np.float32(30) * smooth_step(y, 20, 60) + np.float32(12) * smooth_step(u, 45, 25)
    shell = np.abs(fascia + np.float32(depth)) - np.float32(half) + behind
    wall: Array = np.maximum(shell, (crest - z) * np.float32(0.6))
    return wall
