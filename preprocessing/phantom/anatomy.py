"""The hip's anatomy in closed form: which structure and which tissue is at a point of the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.body import Outline
from preprocessing.phantom.bones import FEMUR_LANDMARKS, HIP_LANDMARKS, Bones
from preprocessing.phantom.fields import Coordinates
from preprocessing.phantom.labels import label_id
from preprocessing.phantom.muscles import Muscles
from preprocessing.phantom.patient import Patient
from preprocessing.phantom.pose import Pose, RestPoints
from preprocessing.phantom.solids import FAR, Array
from preprocessing.phantom.viscera import BLADDER_WALL, RECTUM_WALL, Viscera

SKIN = 1.8
"""Thickness of the skin, mm."""
HIP_CORTEX = 1.7
"""Thickness of the hip bone's cortical shell, mm."""
SACRUM_CORTEX = 1.3
"""Thickness of the cortical shell of sacrum and spine, mm."""


class Tissue(IntEnum):
    """The tissues; every muscle is the one tissue MUSCLE."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    CORTICAL_BONE = 4
    MARROW = 5
    CARTILAGE = 6
    URINE = 7
    SOFT_ORGAN = 8
    BLOOD = 9


@dataclass(frozen=True, kw_only=True)
class Classified:
    """What is at each point.

    Args:
        label: value of the label table, uint8.
        tissue: value of `Tissue`, uint8.
        clearance: approximate distance in mm to the nearest border of tissue or label.
        rest: coordinates in which texture is drawn, mm: those of the femur in a femur, else of the flesh.
    """

    label: NDArray[np.uint8]
    tissue: NDArray[np.uint8]
    clearance: Array
    rest: Coordinates


class _Painter:
    """Assigns structures in order of rising priority and keeps the distance to the nearest border."""

    def __init__(self, like: Array) -> None:
        self.label = np.zeros(like.shape, np.uint8)
        self.tissue = np.zeros(like.shape, np.uint8)
        self.clearance = np.full(like.shape, FAR, np.float32)

    def paint(self, distance: Array, tissue: Tissue, label: int = 0) -> None:
        inside = distance < 0
        self.tissue[inside] = tissue
        self.label[inside] = label
        np.minimum(self.clearance, np.abs(distance), out=self.clearance)

    def shell(self, distance: Array, tissue: Tissue) -> None:
        """Change the tissue inside a border that is no border of the label."""
        self.tissue[distance < 0] = tissue
        np.minimum(self.clearance, np.abs(distance), out=self.clearance)


class HipAnatomy:
    """One patient's anatomy in one pose, evaluated at any points of the world.

    Args:
        patient: size, shape and pose.
    """

    def __init__(self, patient: Patient) -> None:
        self.patient = patient
        self.pose = Pose(patient)
        self._bones = Bones(patient)
        self._outline = Outline(patient)
        self._viscera = Viscera(patient)
        self._muscles = Muscles(patient)

    def landmarks(self) -> dict[str, tuple[float, float, float]]:
        """Return named world positions, LPS mm."""
        found = {}
        for names, femur in ((FEMUR_LANDMARKS, True), (HIP_LANDMARKS, False)):
            for name, point in names.items():
                for side, suffix in ((-1, "right"), (+1, "left")):
                    x, y, z = (float(v) for v in self.pose.to_world(point, side=side, femur=femur))
                    found[f"{name}_{suffix}"] = (x, y, z)
        return found

    def head_midpoint(self) -> NDArray[np.float64]:
        """Return the world position (LPS mm) midway between the femoral head centres."""
        heads = [v for k, v in self.landmarks().items() if k.startswith("femoral_head")]
        return np.asarray(np.mean(heads, axis=0))

    def classify(self, points: NDArray[np.floating], *, margin: float = 8.0) -> Classified:
        """Return what is at world points.

        Args:
            points: (n, 3) world positions, LPS mm.
            margin: structures farther than this (mm) from every point are not evaluated, so a
                `clearance` above it only says "at least this".
        """
        body = self.pose.to_body(points)
        left = body[0] >= 0
        if left.all():
            return self._side(body, +1, margin)
        if not left.any():
            return self._side(body, -1, margin)
        parts = {side: (left if side > 0 else ~left) for side in (+1, -1)}
        halves = {
            side: self._side((body[0][at], body[1][at], body[2][at]), side, margin)
            for side, at in parts.items()
        }
        merged = _merge(parts, halves)
        # Left and right are told apart by the midline, which is a border of its own.
        return replace(merged, clearance=np.minimum(merged.clearance, np.abs(body[0])))

    def _side(self, body: Coordinates, side: int, margin: float) -> Classified:
        rest = self.pose.to_rest(body, side, margin)
        painter = _Painter(body[0])
        fascia = self._outline.fascia(rest.soft)
        skin = self._outline.skin(rest.soft, fascia)
        painter.paint(skin, Tissue.SKIN)
        painter.shell(skin + np.float32(SKIN), Tissue.FAT)
        texture = rest.soft
        if (fascia < margin).any():
            cavity = self._outline.cavity(rest.soft, rest.soft_box)
            self._paint_muscles(painter, rest, fascia, cavity)
            self._paint_viscera(painter, rest, body, cavity, margin)
            femur = self._paint_bones(painter, rest)
            texture = _select(femur < 0, rest.femur, rest.soft)
        return Classified(
            label=painter.label, tissue=painter.tissue, clearance=painter.clearance, rest=texture
        )

    def _paint_muscles(self, painter: _Painter, rest: RestPoints, fascia: Array, cavity: Array) -> None:
        first, second, owner = self._muscles.compete(rest, fascia, cavity)
        inside = first < 0
        painter.label[inside] = owner[inside]
        plane = self._muscles.plane_thickness(rest.soft) - (second - first)
        streak = self._muscles.streaks(rest.soft, inside)
        painter.tissue[inside & (plane < 0) & (streak > 0)] = Tissue.MUSCLE
        # A plane or streak is a border only where there is muscle; halved, as both bellies' distances change.
        within = np.where(
            inside, np.minimum(np.minimum(np.abs(plane), second - first) / 2, np.abs(streak)), FAR
        )
        np.minimum(painter.clearance, np.minimum(np.abs(first), within), out=painter.clearance)

    def _paint_viscera(
        self, painter: _Painter, rest: RestPoints, body: Coordinates, cavity: Array, margin: float
    ) -> None:
        painter.paint(self._viscera.perineum(rest.soft), Tissue.SOFT_ORGAN)
        painter.paint(self._viscera.vessels(rest.soft, rest.soft_box), Tissue.BLOOD)
        if (cavity > margin).all():
            return
        loops, gas = self._viscera.bowel(body)
        loops = np.maximum(cavity + np.float32(2.5), loops)
        painter.paint(loops, Tissue.SOFT_ORGAN)
        painter.paint(np.maximum(loops + np.float32(3.0), gas), Tissue.AIR)
        organs = self._viscera.organs(body)
        clear = np.minimum(organs.bladder, organs.rectum) - np.float32(4.0)
        painter.paint(clear, Tissue.FAT)
        painter.paint(organs.prostate, Tissue.SOFT_ORGAN)
        painter.paint(organs.rectum, Tissue.SOFT_ORGAN)
        painter.shell(organs.rectum + np.float32(RECTUM_WALL + 1.5), Tissue.SOFT_ORGAN)
        painter.paint(organs.gas, Tissue.AIR, label_id("rectal_gas", rest.side))
        painter.paint(organs.bladder, Tissue.SOFT_ORGAN, label_id("bladder", rest.side))
        painter.shell(organs.bladder + np.float32(BLADDER_WALL), Tissue.URINE)

    def _paint_bones(self, painter: _Painter, rest: RestPoints) -> Array:
        bones, side = self._bones, rest.side
        hip = bones.hip(rest.pelvis, rest.pelvis_box)
        sacrum = bones.sacrum(rest.pelvis, rest.pelvis_box, hip)
        spine = np.maximum(bones.spine(rest.pelvis, rest.pelvis_box), np.float32(1.5) - sacrum)
        femur = bones.femur(rest.femur, rest.femur_box)
        painter.paint(bones.capsule(rest.femur, rest.femur_box), Tissue.SOFT_ORGAN)
        painter.paint(bones.joint(rest.pelvis, rest.pelvis_box), Tissue.CARTILAGE)
        joint_line = np.maximum(
            np.maximum(hip, sacrum) - np.float32(4.0), np.abs(hip - sacrum) - np.float32(4.0)
        )
        painter.paint(joint_line, Tissue.CARTILAGE)
        painter.paint(np.maximum(hip - np.float32(2.5), rest.pelvis[0] - np.float32(2.5)), Tissue.CARTILAGE)
        painter.paint(spine, Tissue.CORTICAL_BONE, label_id("lumbar_spine", side))
        painter.shell(spine + np.float32(SACRUM_CORTEX), Tissue.MARROW)
        painter.shell(np.maximum(spine, bones.disc(rest.pelvis, rest.pelvis_box)), Tissue.CARTILAGE)
        for name, distance, cortex in (
            ("sacrum", sacrum, np.float32(SACRUM_CORTEX)),
            ("hip_bone", hip, np.float32(HIP_CORTEX)),
            ("femur", femur, bones.femur_cortex(rest.femur)),
        ):
            painter.paint(distance, Tissue.CORTICAL_BONE, label_id(name, side))
            painter.shell(distance + cortex, Tissue.MARROW)
        return femur


def _select(where: NDArray[np.bool_], first: Coordinates, second: Coordinates) -> Coordinates:
    u, y, z = (np.where(where, a, b) for a, b in zip(first, second, strict=True))
    return u, y, z


def _merge(parts: dict[int, NDArray[np.bool_]], halves: dict[int, Classified]) -> Classified:
    """Return the points of both sides in their original order."""
    shape = parts[+1].shape
    label, tissue = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    clearance = np.empty(shape, np.float32)
    rest = (np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32))
    for side, at in parts.items():
        half = halves[side]
        label[at], tissue[at], clearance[at] = half.label, half.tissue, half.clearance
        for axis in range(3):
            rest[axis][at] = half.rest[axis]
    return Classified(label=label, tissue=tissue, clearance=clearance, rest=rest)
