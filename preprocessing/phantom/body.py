"""The body's outline at rest: the fascia that holds the muscles, the fat outside it and the pelvic cavity."""

from __future__ import annotations

import numpy as np

from preprocessing.phantom.fields import Coordinates
from preprocessing.phantom.patient import Patient
from preprocessing.phantom.solids import (
    Array,
    Box,
    Sweep,
    smooth_intersection,
    smooth_step,
    smooth_union,
)

COUCH = 110.0
"""Depth in mm behind the heads at which a supine patient's fascia is flattened by the table."""

#        height lateral post. along across angle bend
_TORSO = (
    (330, 0, 2, 132, 88, 0, 0.0),
    (200, 0, 4, 134, 88, 0, 0.0),
    (140, 0, 8, 146, 92, 0, 0.0),
    (100, 0, 10, 153, 93, 0, 0.0),
    (50, 0, 12, 155, 92, 0, 0.0),
    (10, 0, 12, 146, 86, 0, 0.0),
    (-30, 0, 12, 112, 78, 0, 0.0),
    (-60, 0, 8, 76, 62, 0, 0.0),
    (-86, 0, 4, 40, 40, 0, 0.0),
    (-98, 0, 2, 14, 14, 0, 0.0),
)
_THIGH = (
    (90, 108, -6, 20, 30, 0, 0.0),
    (50, 108, -2, 52, 60, 0, 0.0),
    (10, 105, 2, 62, 70, 0, 0.0),
    (-40, 99, 0, 76, 78, 0, 0.0),
    (-85, 94, 0, 84, 82, 0, 0.0),
    (-130, 91, 0, 84, 82, 0, 0.0),
    (-230, 87, 0, 77, 78, 0, 0.0),
    (-340, 76, -2, 62, 66, 0, 0.0),
)
_BUTTOCK = (
    (112, 66, 88, 16, 10, -25, 0.0),
    (80, 74, 82, 52, 24, -22, 0.0),
    (40, 78, 76, 66, 32, -18, 0.0),
    (0, 82, 72, 74, 38, -14, 0.0),
    (-40, 86, 66, 76, 40, -12, 0.0),
    (-80, 92, 54, 66, 36, -12, 0.0),
    (-110, 98, 44, 44, 24, -12, 0.0),
    (-130, 100, 40, 16, 10, -12, 0.0),
)
_CAVITY = (
    (330, 0, -16, 96, 54, 0, 0.0),
    (150, 0, -20, 92, 50, 0, 0.0),
    (110, 0, -14, 74, 56, 0, 0.0),
    (70, 0, -2, 62, 62, 0, 0.0),
    (30, 0, 6, 56, 62, 0, 0.0),
    (-5, 0, 10, 44, 52, 0, 0.0),
    (-35, 0, 14, 30, 38, 0, 0.0),
    (-60, 0, 18, 14, 20, 0, 0.0),
)


class Outline:
    """Signed distances (mm at scale 1) to fascia, skin and pelvic cavity.

    Args:
        patient: whose fat and muscle bulk apply.
    """

    def __init__(self, patient: Patient) -> None:
        self._torso, self._thigh = Sweep(_TORSO, power=3), Sweep(_THIGH)
        self._buttock, self._cavity = Sweep(_BUTTOCK), Sweep(_CAVITY)
        self._fat = patient.fat
        # A little muscle more or less moves the fascia, not only the planes between the bellies.
        self._growth = 14.0 * (patient.bulk - 1.0)

    def fascia(self, soft: Coordinates) -> Array:
        """Return the distance to the deep fascia around the muscles."""
        upper = smooth_union(self._torso(soft), self._thigh(soft), 26)
        whole = smooth_union(upper, self._buttock(soft), 22) - np.float32(self._growth)
        return smooth_intersection(whole, soft[1] - np.float32(COUCH), 36)

    def fat_thickness(self, soft: Coordinates) -> Array:
        """Return the thickness in mm of the fat under the skin, most at buttock, trochanter and belly."""
        u, y, z = soft
        behind = smooth_step(y, 10, 90) * smooth_step(z, 190, 90)
        beside = smooth_step(u, 105, 165) * np.exp(-(((z + 25) / 85) ** 2))
        belly = smooth_step(y, -25, -70) * smooth_step(z, 0, 80) * np.exp(-((u / 95) ** 2))
        inner = smooth_step(u, 75, 20) * smooth_step(z, -60, -110)
        share = 0.5 + 0.35 * behind + 0.55 * beside + 0.75 * belly - 0.12 * inner
        thickness: Array = (np.float32(3.0) + np.float32(self._fat) * share).astype(np.float32)
        return thickness

    def skin(self, soft: Coordinates, fascia: Array) -> Array:
        """Return the distance to the body's surface."""
        outer = fascia - self.fat_thickness(soft)
        couch = soft[1] - np.float32(COUCH + 0.6 * self._fat)
        return smooth_intersection(outer, couch, 30)

    def cavity(self, soft: Coordinates, near: Box) -> Array:
        """Return the distance to the cavity of abdomen and pelvis that holds the viscera."""
        return self._cavity(soft, near)
