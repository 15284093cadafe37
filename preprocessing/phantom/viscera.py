"""What fills the cavity and runs through the groin: bladder, rectum and gas, bowel, great vessels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from preprocessing.phantom.fields import Coordinates, SmoothField
from preprocessing.phantom.patient import Patient, random_stream
from preprocessing.phantom.solids import (
    Array,
    Box,
    Sweep,
    ellipsoid,
    rod,
    smooth_step,
    smooth_union,
)

BLADDER_WALL = 3.0
"""Thickness in mm of the bladder's wall."""
RECTUM_WALL = 3.5
"""Thickness in mm of the rectum's wall."""

LOOP_SLOPE = 10.5
"""Distance in mm per unit of the field that shapes the bowel: one over its mean gradient."""

_RECTUM = (
    (80, 8, 50, 12, 10, 0, 0.0),
    (50, 5, 60, 15, 12, 0, 0.0),
    (20, 0, 64, 17, 13, 0, 0.0),
    (-15, 0, 56, 16, 12, 0, 0.0),
    (-40, 0, 44, 11, 9, 0, 0.0),
    (-62, 0, 44, 7, 7, 0, 0.0),
)
_ARTERY = (
    (320, 10, -20, 7, 7, 0, 0.0),
    (190, 14, -22, 6, 6, 0, 0.0),
    (110, 44, -34, 5, 5, 0, 0.0),
    (50, 68, -58, 4.8, 4.8, 0, 0.0),
    (0, 80, -66, 4.6, 4.6, 0, 0.0),
    (-60, 84, -52, 4.2, 4.2, 0, 0.0),
    (-150, 82, -34, 3.8, 3.8, 0, 0.0),
    (-340, 68, -2, 3.4, 3.4, 0, 0.0),
)
_VEIN = (
    (320, 16, -8, 8, 7, 0, 0.0),
    (190, 20, -8, 7, 6, 0, 0.0),
    (110, 40, -20, 6.5, 6, 0, 0.0),
    (50, 58, -50, 6, 5.5, 0, 0.0),
    (0, 68, -62, 6, 5.5, 0, 0.0),
    (-60, 76, -44, 5, 5, 0, 0.0),
    (-150, 78, -26, 4.5, 4.5, 0, 0.0),
    (-340, 64, 8, 4, 4, 0, 0.0),
)


@dataclass(frozen=True, kw_only=True)
class Organs:
    """Signed distances (mm at scale 1) to the hollow organs and their walls."""

    bladder: Array
    rectum: Array
    gas: Array
    prostate: Array


class Viscera:
    """The organs of one patient.

    Args:
        patient: whose bladder filling, rectal gas and seed apply.
    """

    def __init__(self, patient: Patient) -> None:
        rng = random_stream(patient.seed, "viscera")
        self._rectum, self._artery, self._vein = Sweep(_RECTUM), Sweep(_ARTERY), Sweep(_VEIN)
        self._bladder = patient.bladder ** (1 / 3)
        self._gas = patient.gas ** (1 / 3)
        self._lean = float(rng.normal(0, 4))
        self._pockets = [
            (float(rng.normal(3, 2)), float(rng.normal(-24, 8))),
            (float(rng.normal(0, 2)), 34.0),
        ]
        self._loops = SmoothField(rng, wavelength=(52, 84), waves=7)
        self._mesentery = 1.0 + 0.12 * patient.fat

    def organs(self, body: Coordinates) -> Organs:
        """Return the distances for points in signed body coordinates (left, posterior, head)."""
        fill = self._bladder
        centre = (self._lean, -16.0, -8 + 24 * fill)
        bladder = ellipsoid(body, centre, (40 * fill, 29 * fill, 26 * fill))
        rectum = self._rectum(body)
        (near, low), (far, high) = self._pockets
        size = self._gas
        pocket = ellipsoid(body, (near, 57, low + 14), (9 * size, 7 * size, 15 * size))
        second = ellipsoid(body, (far + 3, 58, high), (10 * size, 7 * size, 13 * size))
        gas = np.maximum(smooth_union(pocket, second, 4), rectum + np.float32(RECTUM_WALL))
        prostate = ellipsoid(body, (0, 6, -32), (22, 17, 17))
        return Organs(bladder=bladder, rectum=rectum, gas=gas, prostate=prostate)

    def vessels(self, soft: Coordinates, near: Box) -> Array:
        """Return the distance to the iliac and femoral artery and vein, for soft rest points of one side."""
        return np.minimum(self._artery(soft, near), self._vein(soft, near))

    def bowel(self, body: Coordinates) -> tuple[Array, Array]:
        """Return the distances to the bowel's loops and to the gas in them.

        A smooth field is cut at a level on either side of zero, so that loops press on each other with sheets
        of fat between; there are none in the lower pelvis.
        """
        level = self._loops(body) * np.float32(LOOP_SLOPE)
        low = np.float32(22.0) * smooth_step(body[2], 52, 22)
        loops = np.float32(self._mesentery) + low - np.abs(level)
        gas = np.float32(17.0) + low - level + np.float32(10.0) * smooth_step(body[1], -45, -10)
        return loops, gas

    def perineum(self, soft: Coordinates) -> Array:
        """Return the distance to the crura along the pubic rami and the bulb on the midline."""
        crus = rod(soft, (44, 14, -72), (12, -40, -58), (5.0, 7.0))
        bulb = ellipsoid(soft, (0, -20, -64), (11, 26, 13))
        return smooth_union(crus, bulb, 6)
