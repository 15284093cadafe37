"""Material points are followed from one pose to another, and each lands in its own structure."""

from dataclasses import replace

import numpy as np
import pytest

from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.bones import FEMUR_LANDMARKS
from preprocessing.phantom.correspondence import corresponding_points
from preprocessing.phantom.labels import LABEL_IDS
from preprocessing.phantom.patient import change_pose, draw_patient, typical_patient
from preprocessing.phantom.pose import rotation

PATIENT = draw_patient(31)
SPACING = 12.0


@pytest.fixture(scope="module")
def here():
    """The patient in the first pose."""
    return HipAnatomy(PATIENT)


@pytest.fixture(scope="module")
def sample(here):
    """Places in the body, LPS mm, with what is there."""
    axes = [np.arange(-150, 151, SPACING), np.arange(-60, 61, SPACING), np.arange(-150, 151, SPACING)]
    where = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3) + here.head_midpoint()
    found = here.classify(where)
    body = found.tissue > 0
    return where[body], found.label[body]


def test_the_same_pose_leaves_every_point(here, sample):
    where, label = sample
    there = corresponding_points(where, label, fixed=here, moving=here)
    assert np.abs(there - where).max() < 0.05


def test_whole_body_motion_is_rigid_and_known(here, sample):
    where, label = sample
    moved = replace(
        PATIENT, tilt=PATIENT.tilt + 6, roll=PATIENT.roll - 5, isocentre_z=PATIENT.isocentre_z + 25
    )
    there = corresponding_points(where, label, fixed=here, moving=HipAnatomy(moved))
    turns = [rotation(p.tilt, p.obliquity, p.roll) for p in (PATIENT, moved)]
    origins = [np.array([p.isocentre_x, p.isocentre_y, p.isocentre_z]) for p in (PATIENT, moved)]
    expected = (where - origins[0]) @ turns[0] @ turns[1].T + origins[1]
    np.testing.assert_allclose(there, expected, atol=0.05)


def test_bent_hips_carry_points_into_their_own_structures(here, sample):
    where, label = sample
    moving = HipAnatomy(change_pose(PATIENT, degrees=5.0))
    there = corresponding_points(where, label, fixed=here, moving=moving)
    found = ~np.isnan(there).any(axis=1)
    assert found.mean() > 0.99
    same = moving.classify(there[found]).label == label[found]
    for name in (
        "femur_left",
        "femur_right",
        "hip_bone_left",
        "quadriceps_left",
        "adductors_right",
        "sacrum",
    ):
        assert same[label[found] == LABEL_IDS[name]].mean() > 0.95, name
    assert np.linalg.norm(there[found] - where[found], axis=1).max() > 10


def test_landmarks_are_followed_exactly(here):
    moving = HipAnatomy(change_pose(PATIENT, degrees=5.0))
    names = list(here.landmarks())
    parts = [name.rpartition("_") for name in names]
    bones = ["femur" if point in FEMUR_LANDMARKS else "hip_bone" for point, _, _ in parts]
    label = np.array([LABEL_IDS[f"{bone}_{side}"] for bone, (_, _, side) in zip(bones, parts, strict=True)])
    where = np.array([here.landmarks()[name] for name in names])
    there = corresponding_points(where, label, fixed=here, moving=moving)
    np.testing.assert_allclose(there, [moving.landmarks()[name] for name in names], atol=0.05)


def test_two_patients_are_refused(here):
    with pytest.raises(ValueError, match="one patient"):
        corresponding_points(
            np.zeros((1, 3)), np.zeros(1, int), fixed=here, moving=HipAnatomy(typical_patient(5))
        )
