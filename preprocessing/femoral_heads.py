"""The centres of both femoral heads: from landmarks, else found in the bone of a CT without any training."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float, Int
from scipy import ndimage

from preprocessing.grid import three_floats
from preprocessing.orientation import canonical
from preprocessing.scan import Landmarks, Scan
from preprocessing.sphere_votes import (
    SHOWN_HU,
    STEP_MM,
    CoarseBone,
    coarse_bone,
    sphere_votes,
    surface_support,
)

HEAD_NAMES = ("femoral_head_centre_left", "femoral_head_centre_right")
"""Landmarks of the head centres, as landmark files name them."""
DISTANCE_MM = (140.0, 220.0)
"""Distances between the head centres of adults, with room to spare."""
UNEVEN_MM = 30.0
"""The heads differ in height, and from front to back, by no more than this."""
INSIDE_MM = (15.0, 15.0, 28.0)
"""A head's centre lies at least this far from the volume's edges, along R, A and S. Where a head is cut off,
the best ball left is another bulge of hip bone or femur, some 35 mm away; a coronal slab is thin."""
HEAD_HU = 100.0
"""Least mean CT number of a head's inside; the trochanters and the muscles around them have less."""
HEAD_INSIDE_MM = 15.0
"""Radius of a head's inside, its cortex left out."""
VOTES_LEAST = 25.0
"""Fewer votes than these are chance: vertebrae and ribs have up to 20, a head with a nail in it 47."""
EVEN_LEAST = 0.5
"""Votes of the lesser head over those of the better one."""
SUPPORT_LEAST = 0.35
"""Share of directions in which a femoral head must end in a visible surface, forwards and backwards alike:
shafts of the femur, which have none in front within a head's radius, reach 0.15."""
BODY_HU = -300.0
"""CT number between the body and the air around it."""
BETWEEN_LEAST = 0.80
"""Share of the line between the heads that must run through the body: between two knees there is air."""
CANDIDATES = 12
"""Balls looked at, the best first."""
APART_VOXELS = 7
"""Two candidates are at least half of this apart."""
REMEDY = f"give the landmarks {' and '.join(HEAD_NAMES)}, or centre on the image or body"
"""What a user can do where no heads are found."""


@dataclass(frozen=True, kw_only=True)
class FemoralHeads:
    """Where the femoral heads are.

    Args:
        left: centre of the patient's left head, LPS mm.
        right: centre of the patient's right head, LPS mm.
        radius: mean radius in mm at which the balls end, up to 4 mm beyond the head's own where its socket is
            too near to be told apart; NaN where landmarks gave the centres.
        confidence: 0 to 1, share of directions in which the less visible head's surface is seen, forwards
            or backwards, whichever is less; 1 for landmarks.
        origin: "landmarks" or "bone".
    """

    left: tuple[float, float, float]
    right: tuple[float, float, float]
    radius: float
    confidence: float
    origin: str

    @property
    def midpoint(self) -> tuple[float, float, float]:
        """Point midway between the centres, LPS mm."""
        return three_floats((np.array(self.left) + np.array(self.right)) / 2)

    def to_note(self) -> dict[str, object]:
        """JSON values for the record of a case."""
        found = {"radius_mm": round(self.radius, 1)} if self.origin == "bone" else {}
        points = {side: [round(v, 2) for v in getattr(self, side)] for side in ("left", "right")}
        return {
            **points,
            "frame": "LPS",
            "confidence": round(self.confidence, 3),
            "from": self.origin,
            **found,
        }


def femoral_heads(scan: Scan) -> FemoralHeads:
    """Heads of a scan: those of its landmarks, else those found in its bone.

    Args:
        scan: any scan with the two landmarks, or a CT in HU.

    Raises:
        ValueError: if there are neither landmarks nor two balls that can be the heads.
    """
    return heads_of_landmarks(scan.landmarks) or find_femoral_heads(scan.image)


def heads_of_landmarks(landmarks: Landmarks) -> FemoralHeads | None:
    """Heads that landmarks name, or None where one of them is missing.

    Args:
        landmarks: points by name, LPS mm.
    """
    if not all(name in landmarks for name in HEAD_NAMES):
        return None
    left, right = (three_floats(landmarks[name]) for name in HEAD_NAMES)
    return FemoralHeads(left=left, right=right, radius=float("nan"), confidence=1.0, origin="landmarks")


def find_femoral_heads(image: sitk.Image) -> FemoralHeads:
    """Find the two balls of 18 to 28 mm radius that lie as femoral heads do.

    Every edge of bone votes for the centres of the balls that it may bound (generalised Hough transform,
    Ballard 1981, doi:10.1016/0031-3203(81)90009-1); of the most voted points the best pair that is as far
    apart, as level, as dense and as well bounded as two heads are is the answer. The couch is too flat to
    vote for one.

    Args:
        image: a CT in HU, any orientation, whole or a slab that holds both heads.

    Raises:
        ValueError: naming what was found, if no pair is plausible.
    """
    lowest = float(sitk.GetArrayViewFromImage(image).min())
    if lowest >= 0:
        raise ValueError(f"femoral heads: expected a CT in HU, found nothing below {lowest:g}; {REMEDY}")
    bone = coarse_bone(canonical(image))
    index, votes = _candidates(sphere_votes(bone))
    possible = [number for number in range(len(index)) if _is_dense_inside(bone, index[number])]
    index, votes = index[possible], votes[possible]
    places = np.array([bone.to_lps(point) for point in index]).reshape(-1, 3)
    pairs = [
        (float(np.sqrt(votes[one] * votes[other])), *_left_first(one, other, places))
        for one, other in combinations(range(len(index)), 2)
        if _level(places[one] - places[other]) and votes[other] >= EVEN_LEAST * votes[one]
    ]
    if not pairs:
        raise ValueError(
            "femoral heads: expected two level balls of bone 140 to 220 mm apart, found "
            f"{_listed(places, votes)}; {REMEDY}"
        )
    _, left, right = max(pairs)
    return _checked(bone, index[[left, right]], places[[left, right]])


def _checked(
    bone: CoarseBone, index: Float[np.ndarray, "2 3"], places: Float[np.ndarray, "2 3"]
) -> FemoralHeads:
    centres = " and ".join(_point(place) for place in places)
    edge = np.minimum(index, np.array(bone.hounsfield.shape) - 1 - index).min(axis=0) * STEP_MM
    if (edge < np.array(INSIDE_MM)).any():
        raise ValueError(
            f"femoral heads: the best pair lies at {centres}, expected it {INSIDE_MM} mm or more from the "
            f"volume's edges along R, A, S, found {[round(float(mm)) for mm in edge]}; {REMEDY}"
        )
    seen = [surface_support(bone, point) for point in index]
    support = min(share for share, _ in seen)
    between = _share_in_body(bone, index)
    if support < SUPPORT_LEAST or between < BETWEEN_LEAST:
        raise ValueError(
            f"femoral heads: the best pair lies at {centres}, expected a surface in {SUPPORT_LEAST:.0%} of "
            f"directions and body along {BETWEEN_LEAST:.0%} of the line between, found {support:.0%} and "
            f"{between:.0%}; {REMEDY}"
        )
    return FemoralHeads(
        left=three_floats(places[0]),
        right=three_floats(places[1]),
        radius=float(np.mean([radius for _, radius in seen])),
        confidence=support,
        origin="bone",
    )


def _candidates(
    votes: Float[np.ndarray, "R A S"],
) -> tuple[Float[np.ndarray, "ball 3"], Float[np.ndarray, " ball"]]:
    """Return the most voted points as fractional indices, and their votes, the best first."""
    peak = (votes == ndimage.maximum_filter(votes, size=APART_VOXELS)) & (votes >= VOTES_LEAST)
    points, heights = np.argwhere(peak), votes[peak]
    best = np.argsort(-heights, kind="stable")[:CANDIDATES]
    centres = np.array([_centroid(votes, point) for point in points[best]], dtype=float).reshape(-1, 3)
    return centres, heights[best].astype(float)


def _centroid(votes: Float[np.ndarray, "R A S"], point: Int[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Return the centre of the votes around a peak."""
    low = np.maximum(point - 1, 0)
    around = votes[tuple(slice(a, b + 2) for a, b in zip(low, point, strict=True))]
    return np.asarray(low + np.array(ndimage.center_of_mass(around)))


def _is_dense_inside(bone: CoarseBone, centre: Float[np.ndarray, "3"]) -> bool:
    """Tell whether a ball is filled with bone."""
    reach = int(HEAD_INSIDE_MM / STEP_MM)
    steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1.0)] * 3, indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    ball = centre + steps[np.linalg.norm(steps, axis=1) <= reach]
    inside = ndimage.map_coordinates(np.clip(bone.hounsfield, *SHOWN_HU), ball.T, order=1, mode="nearest")
    return float(inside.mean()) >= HEAD_HU


def _left_first(one: int, other: int, places: Float[np.ndarray, "ball 3"]) -> tuple[int, int]:
    # The first LPS axis runs to the patient's left.
    return (one, other) if places[one, 0] > places[other, 0] else (other, one)


def _level(apart: Float[np.ndarray, "3"]) -> bool:
    low, high = DISTANCE_MM
    return low <= float(np.linalg.norm(apart)) <= high and float(np.abs(apart[1:]).max()) <= UNEVEN_MM


def _share_in_body(bone: CoarseBone, index: Float[np.ndarray, "2 3"]) -> float:
    line = np.linspace(index[0], index[1], 100).T
    hounsfield = ndimage.map_coordinates(bone.hounsfield, line, order=1, mode="nearest")
    return float((hounsfield > BODY_HU).mean())


def _listed(places: Float[np.ndarray, "ball 3"], votes: Float[np.ndarray, " ball"]) -> str:
    best = [f"{_point(place)} with {vote:.0f} votes" for place, vote in zip(places, votes, strict=True)]
    return ", ".join(best[:3]) or "none at all"


def _point(place: Float[np.ndarray, "3"]) -> str:
    return "(" + ", ".join(f"{value:.0f}" for value in place) + ") LPS mm"
