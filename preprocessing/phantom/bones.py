"""The bones at rest: hip bone with acetabulum, femur, sacrum and lumbar spine, as implicit solids."""

from __future__ import annotations

import numpy as np

from preprocessing.phantom.fields import Coordinates
from preprocessing.phantom.patient import Patient
from preprocessing.phantom.pose import HEAD
from preprocessing.phantom.solids import (
    FAR,
    Array,
    Box,
    Sweep,
    ellipsoid,
    rod,
    smooth_intersection,
    smooth_step,
    smooth_union,
)

SOCKET_GAP = 3.4
"""Thickness in mm of the cartilage between the femoral head and the acetabulum."""
SOCKET_WALL = (5.5, 13.0)
"""Thickness in mm of the acetabular wall: at its floor and front, and at its roof."""
SOCKET_OPENING = (0.70, -0.28, -0.66)
"""Direction (lateral, posterior, head) in which the acetabulum opens: 45 degrees abducted, 20 anteverted."""
SACROILIAC_GAP = 2.6
"""Width in mm of the sacroiliac joint."""

#        height lateral post. along across angle bend
_ILIUM = (
    (146, 116, 22, 26, 2.5, 128, 0.0030),
    (136, 112, 22, 46, 5.0, 128, 0.0032),
    (120, 104, 22, 61, 4.2, 126, 0.0032),
    (100, 99, 18, 69, 4.2, 123, 0.0030),
    (82, 97, 14, 71, 4.8, 120, 0.0026),
    (66, 97, 8, 62, 6.0, 117, 0.0022),
    (50, 95, -2, 43, 8.5, 112, 0.0016),
    (36, 92, -2, 33, 13.0, 104, 0.0006),
    (24, 86, 2, 29, 16.0, 100, 0.0),
    (8, 78, 6, 24, 14.0, 98, 0.0),
    (-6, 72, 10, 16, 9.0, 98, 0.0),
)
_ISCHIUM = (
    (22, 76, 26, 17, 9, 100, 0.0),
    (4, 70, 31, 14, 9, 105, 0.0),
    (-14, 66, 33, 14, 8, 105, 0.0),
    (-34, 63, 33, 14, 9, 80, 0.0),
    (-54, 60, 34, 17, 11, 65, 0.0),
    (-70, 57, 34, 16, 11, 60, 0.0),
    (-79, 56, 32, 8, 6, 60, 0.0),
)
_SACRUM = (
    (118, 0, 26, 24, 16, 0, 0.0),
    (112, 0, 32, 38, 21, 0, 0.004),
    (100, 0, 41, 54, 23, 0, 0.004),
    (80, 0, 55, 55, 22, 0, 0.003),
    (60, 0, 69, 48, 18, 0, 0.003),
    (38, 0, 81, 36, 14, 0, 0.003),
    (12, 0, 86, 25, 10, 0, 0.003),
    (-8, 0, 82, 15, 7, 0, 0.002),
    (-28, 0, 72, 8, 5, 0, 0.0),
    (-38, 0, 64, 4, 3, 0, 0.0),
)
_SHAFT = (
    (-22, 131, 9, 13, 14, 0, 0.0),
    (-34, 131, 9, 19, 17, 0, 0.0),
    (-50, 129, 9, 19, 17, 0, 0.0),
    (-75, 126, 7, 16.5, 16, 0, 0.0),
    (-110, 123, 4, 15, 15.5, 0, 0.0),
    (-180, 117, -2, 14, 15, 0, 0.0),
    (-330, 101, 4, 16, 15, 0, 0.0),
)
_VERTEBRA = ((118, 0, 12, 25, 17, 0, 0.0), (180, 0, 0, 25, 18, 0, 0.0), (300, 0, 4, 24, 18, 0, 0.0))
_ARCH = ((112, 0, 58, 14, 12, 0, 0.0), (180, 0, 46, 15, 15, 0, 0.0), (300, 0, 50, 15, 15, 0, 0.0))
DISCS = ((117.0, 123.0), (150.0, 158.0), (186.0, 194.0), (222.0, 230.0))
"""Heights in mm at rest between which an intervertebral disc stands in place of bone."""

HIP_BOX = Box((0.0, -72.0, -92.0), (152.0, 112.0, 152.0))
"""Where a hip bone can be, rest mm."""
FEMUR_BOX = Box((55.0, -45.0, -340.0), (165.0, 60.0, 40.0))
"""Where a femur can be, rest mm, for any anteversion."""

JOINT_BOX = Box((55.0, -35.0, -55.0), (140.0, 35.0, 35.0))
"""Where a hip joint and its capsule can be, rest mm."""

FEMUR_LANDMARKS = {
    "femoral_head_centre": (HEAD, 0.0, 0.0),
    "greater_trochanter_tip": (136.0, 17.0, 5.0),
    "lesser_trochanter": (104.0, 24.0, -58.0),
}
"""Rest positions (lateral, posterior, head; mm) that move with the femur, for the typical anteversion."""
HIP_LANDMARKS = {
    "anterior_superior_iliac_spine": (128.0, -47.0, 84.0),
    "pubic_tubercle": (18.0, -56.0, -16.0),
    "ischial_tuberosity": (56.0, 34.0, -76.0),
}
"""Rest positions (lateral, posterior, head; mm) that move with the pelvis."""


class Bones:
    """Signed distances (mm at scale 1) to the bones of one side.

    Args:
        patient: whose head radius and femoral anteversion apply.
    """

    def __init__(self, patient: Patient) -> None:
        self._radius = patient.head_radius
        self._version = np.deg2rad(patient.anteversion - 12.0)
        self._ilium, self._ischium = Sweep(_ILIUM), Sweep(_ISCHIUM)
        self._sacrum, self._shaft = Sweep(_SACRUM), Sweep(_SHAFT)
        self._body, self._arch = Sweep(_VERTEBRA), Sweep(_ARCH)

    def femur(self, points: Coordinates, near: Box) -> Array:
        """Return the distance to head, neck, trochanters and shaft, for points seen from the femur."""
        if not near.meets(FEMUR_BOX):
            return np.full(points[0].shape, FAR, np.float32)
        u, y, z = points
        cos, sin = np.float32(np.cos(self._version)), np.float32(np.sin(self._version))
        away = u - np.float32(HEAD)
        points = (away * cos + y * sin + np.float32(HEAD), y * cos - away * sin, z)
        head = ellipsoid(points, (HEAD, 0, 0), (self._radius,) * 3)
        neck = rod(points, (HEAD + 6, 1, -4), (126, 8, -33), (14.0, 17.0))
        great = ellipsoid(points, (139, 14, -23), (15, 20, 29))
        small = ellipsoid(points, (106, 20, -60), (11, 10, 15))
        outer = smooth_union(smooth_union(self._shaft(points), great, 12), small, 12)
        # The head keeps its exact sphere where it meets the socket: only the neck's side is blended.
        return np.minimum(head, smooth_union(smooth_union(neck, outer, 14), head + np.float32(1.5), 8))

    def femur_cortex(self, points: Coordinates) -> Array:
        """Return the thickness of the femur's cortical shell, mm: thin at the head, thick in the shaft."""
        u, _, z = points
        medial = smooth_step(u, 128, 108) * smooth_step(z, -12, -30)
        shaft = smooth_step(z, -30, -95)
        thickness: Array = np.float32(1.4) + np.maximum(shaft * np.float32(5.0), medial * np.float32(2.6))
        return thickness

    def hip(self, points: Coordinates, near: Box) -> Array:
        """Return the distance to ilium, ischium and pubis with the socket hollowed out."""
        if not near.meets(HIP_BOX):
            return np.full(points[0].shape, FAR, np.float32)
        inner = self._radius + SOCKET_GAP
        centre = ellipsoid(points, (HEAD, 0, 0), (inner,) * 3)
        floor, ceiling = SOCKET_WALL
        thickness = np.float32(floor) + np.float32(ceiling - floor) * smooth_step(points[2], 0, 28)
        wall = smooth_intersection(centre - thickness, self.socket_plane(points), 4)
        roof = ellipsoid(points, (96, 0, 38), (24, 25, 16))
        upper = smooth_union(smooth_union(self._ilium(points), roof, 10), wall, 10)
        back = smooth_union(upper, self._ischium(points), 8)
        ramus = rod(points, (74, -24, 2), (16, -52, -24), (11.0, 8.0))
        lower = rod(points, (53, 20, -72), (14, -46, -50), (8.0, 7.0))
        body = ellipsoid(points, (11, -50, -33), (9, 9, 20))
        front = smooth_union(smooth_union(ramus, body, 8), lower, 8)
        spine = ellipsoid(points, (112, -36, 42), (8, 9, 13))
        whole = smooth_union(smooth_union(back, front, 8), spine, 10)
        symphysis = np.float32(2.2) - points[0]
        result: Array = np.maximum(np.maximum(whole, -centre), symphysis)
        return result

    def socket_plane(self, points: Coordinates) -> Array:
        """Return the distance in front of the plane of the acetabular rim, mm."""
        u, y, z = points
        a, b, c = (np.float32(v) for v in SOCKET_OPENING)
        result: Array = (u - np.float32(HEAD)) * a + y * b + z * c + np.float32(2.0)
        return result

    def capsule(self, points: Coordinates, near: Box) -> Array:
        """Return the distance to the joint's capsule, a sleeve from the socket's rim over the neck."""
        if not near.meets(JOINT_BOX):
            return np.full(points[0].shape, FAR, np.float32)
        return rod(points, (HEAD + 4, 0, -3), (118, 7, -27), (self._radius + 2.0, 20.0))

    def joint(self, points: Coordinates, near: Box) -> Array:
        """Return the distance to the ball of head and cartilage, ended just beyond the rim."""
        if not near.meets(JOINT_BOX):
            return np.full(points[0].shape, FAR, np.float32)
        ball = ellipsoid(points, (HEAD, 0, 0), (self._radius + SOCKET_GAP,) * 3)
        result: Array = np.maximum(ball, self.socket_plane(points) - np.float32(9.0))
        return result

    def sacrum(self, points: Coordinates, near: Box, hip: Array) -> Array:
        """Return the distance to the sacrum and coccyx, held off the ilium by the sacroiliac joint."""
        result: Array = np.maximum(self._sacrum(points, near), np.float32(SACROILIAC_GAP) - hip)
        return result

    def spine(self, points: Coordinates, near: Box) -> Array:
        """Return the distance to the lumbar spine, its discs included."""
        return np.minimum(self._body(points, near), self._arch(points, near))

    def disc(self, points: Coordinates, near: Box) -> Array:
        """Return the distance to the intervertebral discs."""
        z = points[2]
        slabs = [np.abs(z - np.float32((a + b) / 2)) - np.float32((b - a) / 2) for a, b in DISCS]
        return np.maximum(self._body(points, near), np.minimum.reduce(slabs))
