"""From the world to the resting body: whole-body placement, and hips that bend about the femoral heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.fields import Coordinates, SmoothWarp
from preprocessing.phantom.patient import Patient, random_stream
from preprocessing.phantom.solids import Box, box_around, smooth_step

HEAD = 88.0
"""Distance in mm of a femoral head centre from the midline at rest; the origin is midway between them."""
WARP_SD = 2.2
"""Standard deviation in mm of the smooth warp that makes soft outlines organic."""
WARP_WAVELENGTH = (55.0, 130.0)
"""Range in mm of the warp's wavelengths."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RestPoints:
    """Points of one side of the body at rest, each a triple (lateral, posterior, towards the head) in mm.

    Args:
        pelvis: as seen from the hip bone.
        femur: as seen from the femur of that side, whose hip angles are taken away.
        soft: as seen from the flesh, which follows the pelvis above and the femur below.
        side: +1 for the patient's left, -1 for the right.
        pelvis_box: box of `pelvis`, grown by the margin within which a solid matters.
        femur_box: the same of `femur`.
        soft_box: the same of `soft`.
    """

    pelvis: Coordinates
    femur: Coordinates
    soft: Coordinates
    side: int
    pelvis_box: Box
    femur_box: Box
    soft_box: Box


def rotation(first: float, second: float, third: float) -> Matrix:
    """Return the rotation by angles in degrees about the first, then second, then third axis."""
    a, b, c = np.deg2rad([first, second, third])
    about_first = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_second = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_third = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    matrix: Matrix = about_third @ about_second @ about_first
    return matrix


class Pose:
    """The maps between world (LPS mm) and rest for one patient.

    Args:
        patient: whose size, whole-body placement and hip angles apply.
    """

    def __init__(self, patient: Patient) -> None:
        self._scale = patient.scale
        self._body = rotation(patient.tilt, patient.obliquity, patient.roll)
        self._origin = np.array([patient.isocentre_x, patient.isocentre_y, patient.isocentre_z])
        self._widening = patient.widening
        self._hips = {+1: _hip(patient, "left"), -1: _hip(patient, "right")}
        shape = random_stream(patient.seed, "shape")
        self._warp = SmoothWarp(shape, amplitude=WARP_SD, wavelength=WARP_WAVELENGTH)

    def to_body(self, points: NDArray[np.floating]) -> Coordinates:
        """Return body coordinates (left, posterior, head; mm at scale 1) of world points (n, 3), LPS mm."""
        matrix = (self._body.T / self._scale).astype(np.float32)
        offset = (matrix @ self._origin).astype(np.float32)
        x, y, z = np.moveaxis(np.asarray(points, dtype=np.float32), -1, 0)
        first, second, third = (
            a * x + b * y + c * z - o for (a, b, c), o in zip(matrix, offset, strict=True)
        )
        return first, second, third

    def to_rest(self, body: Coordinates, side: int, margin: float) -> RestPoints:
        """Return the rest coordinates of body points of one side; solids beyond `margin` mm do not matter."""
        x, y, z = body
        lateral = x * np.float32(side)
        u = lateral - np.float32(self._widening) * smooth_step(lateral, 0, 66)
        pelvis = (u, y, z)
        hip = self._hips[side].astype(np.float32)
        away = u - np.float32(HEAD)
        femur_offset = [hip[0, i] * away + hip[1, i] * y + hip[2, i] * z for i in range(3)]
        femur = (femur_offset[0] + np.float32(HEAD), femur_offset[1], femur_offset[2])
        weight = _thigh_weight(u, z)
        blended = tuple(p + weight * (f - p) for p, f in zip(pelvis, femur, strict=True))
        # One warp of the whole body, so that both sides agree on the midline.
        mirror = np.float32(side)
        warped = self._warp((blended[0] * mirror, blended[1], blended[2]))
        soft = (warped[0] * mirror, warped[1], warped[2])
        return RestPoints(
            pelvis=pelvis,
            femur=femur,
            soft=soft,
            side=side,
            pelvis_box=box_around(pelvis, margin),
            femur_box=box_around(femur, margin),
            soft_box=box_around(soft, margin),
        )

    def to_world(
        self, landmark: tuple[float, float, float], *, side: int, femur: bool
    ) -> NDArray[np.float64]:
        """Return the world position (LPS mm) of a rest point that moves with the hip bone or the femur."""
        point = np.array(landmark, dtype=float)
        if femur:
            centre = np.array([HEAD, 0.0, 0.0])
            point = centre + self._hips[side] @ (point - centre)
        lateral = point[0]
        for _ in range(20):
            step = np.clip(lateral / 66, 0, 1)
            lateral = point[0] + self._widening * step * step * (3 - 2 * step)
        body = np.array([side * lateral, point[1], point[2]])
        world: NDArray[np.float64] = self._body @ (body * self._scale) + self._origin
        return world


def _hip(patient: Patient, side: str) -> Matrix:
    """Return the rotation from rest to pose in the mirrored frame (lateral, posterior, head)."""
    flexion, abduction, inward = (
        getattr(patient, f"{name}_{side}") for name in ("flexion", "abduction", "rotation")
    )
    return rotation(-flexion, 0, 0) @ rotation(0, -abduction, 0) @ rotation(0, 0, -inward)


def _thigh_weight(u: NDArray[np.float32], z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far flesh follows the femur: 0 in the pelvis, 1 in the thigh, the groin's slant between."""
    slant = np.where(u < HEAD, np.float32(0.6), np.float32(0.25)) * (u - np.float32(HEAD))
    thigh = smooth_step(z - slant, 45, -45)
    # On the midline above the crotch both sides must agree, so flesh there stays with the pelvis.
    apart = np.maximum(smooth_step(u, 0, 40), smooth_step(z, -88, -112))
    weight: NDArray[np.float32] = thigh * apart
    return weight
