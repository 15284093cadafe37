"""Where each point of a patient lies when the same patient is scanned again in another pose."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Integer

from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.fields import Coordinates
from preprocessing.phantom.labels import LABEL_IDS
from preprocessing.phantom.pose import Pose, RestPoints

RESIDUAL_MM = 0.01
"""Two poses agree on a point when its places at rest lie this close."""
STEPS = 30
"""Most steps of Newton's method; poses that differ by a few degrees need fewer than ten."""
LONGEST_STEP_MM = 25.0
"""A step of Newton's method is cut to this length: the map to rest is smooth over it."""
REACH_MM = 0.5
"""Half the distance over which the slope of the map to rest is taken."""

ARM_MM = 100.0
"""Length of the arms from which the placement of a body is read."""

_TETRAHEDRON = np.vstack([np.zeros(3), ARM_MM * np.eye(3)])
_FEMURS = [LABEL_IDS["femur_left"], LABEL_IDS["femur_right"]]
_PELVIS = [LABEL_IDS[name] for name in ("hip_bone_left", "hip_bone_right", "sacrum", "lumbar_spine")]
_BODY = [LABEL_IDS["bladder"], LABEL_IDS["rectal_gas"]]

Points = Float[np.ndarray, "n 3"]
_Rest = Callable[[Coordinates, RestPoints], Coordinates]


def corresponding_points(
    points: Points, label: Integer[np.ndarray, " n"], *, fixed: HipAnatomy, moving: HipAnatomy
) -> Points:
    """Return the place of material points in a second pose of the same patient.

    Femurs turn with the hips, hip bones and spine with the body, bladder and rectum likewise, and flesh by
    the smooth map in which it is drawn. A point's place at rest has a closed form; the way from rest to the
    second pose is found by Newton's method until the two agree within `RESIDUAL_MM`.

    Args:
        points: places in the first pose, LPS mm.
        label: structure at each point, a value of the label table.
        fixed: the patient in the first pose.
        moving: the patient in the second pose.

    Returns:
        Places in the second pose, LPS mm; not a number for the few points of flesh, in the folds of the
        groin, whose place at rest no point of the second pose has.

    Raises:
        ValueError: if these are two patients.
    """
    if fixed.patient.seed != moving.patient.seed:
        seeds = f"seeds {fixed.patient.seed} and {moving.patient.seed}"
        raise ValueError(f"correspondence: expected one patient in two poses, found {seeds}")
    left = fixed.pose.to_body(points)[0] >= 0
    start = _moved_with_body(points, fixed.pose, moving.pose)
    places = np.empty((len(points), 3))
    for at, side, rest in _parts(label, left):
        if at.any():
            wanted = _rest(fixed.pose, points[at], side, rest)
            places[at] = _inverted(moving.pose, wanted, start[at], side, rest)
    return places


def _parts(
    label: Integer[np.ndarray, " n"], left: Bool[np.ndarray, " n"]
) -> Iterator[tuple[Bool[np.ndarray, " n"], int, _Rest]]:
    """Yield which points move together: where they are, their side, and their map to rest."""
    groups: list[tuple[list[int], _Rest]] = [
        (_FEMURS, lambda _, rest: rest.femur),
        (_PELVIS, lambda _, rest: rest.pelvis),
        (_BODY, lambda body, _: body),
    ]
    flesh = ~np.isin(label, [value for values, _ in groups for value in values])
    for side in (+1, -1):
        same = left == (side > 0)
        for values, rest in groups:
            yield same & np.isin(label, values), side, rest
        yield same & flesh, side, lambda _, rest: rest.soft


def _moved_with_body(points: Points, fixed: Pose, moving: Pose) -> Points:
    """Return where the points would lie if no joint had bent."""
    here, there = (
        np.stack(pose.to_body(_TETRAHEDRON), axis=1).astype(np.float64) for pose in (fixed, moving)
    )
    (turn_here, shift_here), (turn_there, shift_there) = (_affine(corners) for corners in (here, there))
    body = points @ turn_here.T + shift_here
    return np.asarray(np.linalg.solve(turn_there, (body - shift_there).T).T)


def _affine(corners: Float[np.ndarray, "4 3"]) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    return (corners[1:] - corners[0]).T / ARM_MM, corners[0]


def _rest(pose: Pose, points: Points, side: int, rest: _Rest) -> Points:
    body = pose.to_body(points)
    found = rest(body, pose.to_rest(body, side, 0.0))
    return np.stack(found, axis=1).astype(np.float64)


def _inverted(pose: Pose, wanted: Points, start: Points, side: int, rest: _Rest) -> Points:
    """Return the world points whose place at rest is the one wanted, by Newton's method."""
    places = start.astype(np.float64)
    open_ = np.arange(len(places))
    for _ in range(STEPS):
        missing = wanted[open_] - _rest(pose, places[open_], side, rest)
        far = np.abs(missing).max(axis=1) > RESIDUAL_MM
        open_, missing = open_[far], missing[far]
        if not open_.size:
            return places
        slopes = _slopes(pose, places[open_], side, rest)
        step = np.linalg.solve(slopes, missing[..., None])[..., 0]
        places[open_] += step * np.minimum(1, LONGEST_STEP_MM / np.linalg.norm(step, axis=1, keepdims=True))
    places[open_] = np.nan
    return places


def _slopes(pose: Pose, points: Points, side: int, rest: _Rest) -> Float[np.ndarray, "n 3 3"]:
    """Return how the place at rest changes with the place in the world, by central differences."""
    columns = [
        _rest(pose, points + shift, side, rest) - _rest(pose, points - shift, side, rest)
        for shift in REACH_MM * np.eye(3)
    ]
    return np.stack(columns, axis=2) / (2 * REACH_MM)
