"""What a radiologist would check: sizes, places, and that nothing but shape tells one muscle from another."""

from dataclasses import replace

import numpy as np
import pytest

from preprocessing.phantom.acquisition import ct_truth
from preprocessing.phantom.anatomy import HipAnatomy, Tissue
from preprocessing.phantom.labels import LABEL_IDS, LABELS, MUSCLES
from preprocessing.phantom.patient import draw_patient, typical_patient
from preprocessing.phantom.sampling import sample_anatomy
from preprocessing.phantom.texture import make_texture
from preprocessing.phantom.tissue import typical_tissues

VOLUMES_ML = {
    # Whole structures, one side: ranges that hold published means of adults and a spread about them.
    "gluteus_maximus": (450, 1150),
    "gluteus_medius": (180, 480),
    "gluteus_minimus": (50, 150),
    "iliopsoas": (180, 560),
    "hip_bone": (180, 480),
}
"""Plausible volumes in mL of structures that lie wholly in the lattice."""


def volume_ml(sample, name):
    voxel = np.prod(sample.grid.spacing) / 1000
    return float((sample.label == LABEL_IDS[name]).sum() * voxel)


def test_every_structure_is_present(whole):
    found = set(np.unique(whole.label)) - {0}
    assert found == {label.id for label in LABELS}


@pytest.mark.parametrize("name", VOLUMES_ML)
@pytest.mark.parametrize("side", ["left", "right"])
def test_volumes_are_plausible(whole, name, side):
    low, high = VOLUMES_ML[name]
    assert low < volume_ml(whole, f"{name}_{side}") < high


@pytest.mark.parametrize("name", ["gluteus_maximus", "gluteus_medius", "quadriceps", "hip_bone", "femur"])
def test_sides_differ_by_the_warp_alone_without_asymmetry(whole, name):
    left, right = (volume_ml(whole, f"{name}_{side}") for side in ("left", "right"))
    assert left == pytest.approx(right, rel=0.15)


def test_bulk_and_asymmetry_change_the_muscles(whole):
    patient = replace(typical_patient(7), bulk=0.8, asymmetry=0.12)
    thin = sample_anatomy(HipAnatomy(patient), whole.grid, supersampling=(1, 1, 1))
    assert volume_ml(thin, "gluteus_maximus_left") < 0.95 * volume_ml(whole, "gluteus_maximus_left")
    assert volume_ml(thin, "gluteus_medius_left") > 1.02 * volume_ml(thin, "gluteus_medius_right")


def on_sphere(centre, radius):
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(400, 3))
    return centre + radius * direction / np.linalg.norm(direction, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("side", ["left", "right"])
def test_femoral_head_is_a_ball_of_the_drawn_radius_in_its_socket(seed, side):
    patient = draw_patient(seed)
    anatomy = HipAnatomy(patient)
    centre = np.array(anatomy.landmarks()[f"femoral_head_centre_{side}"])
    radius = patient.head_radius * patient.scale
    inner = anatomy.classify(on_sphere(centre, radius - 0.3))
    assert (inner.label == LABEL_IDS[f"femur_{side}"]).all()
    beyond = anatomy.classify(on_sphere(centre, radius + 0.3))
    # All round but for the neck there is cartilage, joint or flesh.
    assert 0.6 < (beyond.label != LABEL_IDS[f"femur_{side}"]).mean() < 0.95
    socket = anatomy.classify(on_sphere(centre, radius + 6))
    above = on_sphere(centre, 1)[:, 2] > centre[2] + 0.7
    assert (socket.label[above] == LABEL_IDS[f"hip_bone_{side}"]).mean() > 0.8


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_landmarks_lie_on_their_bones(seed):
    anatomy = HipAnatomy(draw_patient(seed))
    bones = {"femoral": "femur", "greater": "femur", "lesser": "femur", "anterior": "hip_bone"}
    bones |= {"pubic": "hip_bone", "ischial": "hip_bone"}
    for name, point in anatomy.landmarks().items():
        side = name.rsplit("_", 1)[1]
        bone = LABEL_IDS[f"{bones[name.split('_')[0]]}_{side}"]
        around = np.vstack([on_sphere(np.array(point), r) for r in (1, 4, 8)])
        assert (anatomy.classify(around).label == bone).any(), name


def test_head_separation_and_pelvic_width_are_those_of_adults(typical, whole):
    marks = typical.landmarks()
    heads = np.subtract(marks["femoral_head_centre_left"], marks["femoral_head_centre_right"])
    assert np.linalg.norm(heads) == pytest.approx(176, abs=0.5)
    hips = np.isin(whole.label, [LABEL_IDS["hip_bone_left"], LABEL_IDS["hip_bone_right"]])
    across = np.flatnonzero(hips.any(axis=(0, 1)))
    assert 255 < (across[-1] - across[0]) * whole.grid.spacing[0] < 300
    body = whole.fraction[Tissue.AIR] < 0.5
    slab = body[round(body.shape[0] * 0.5)]
    width = np.flatnonzero(slab.any(axis=0))
    assert 330 < (width[-1] - width[0]) * whole.grid.spacing[0] < 410


def test_left_is_left(typical):
    marks = typical.landmarks()
    assert marks["femoral_head_centre_left"][0] > marks["femoral_head_centre_right"][0]  # LPS
    assert marks["anterior_superior_iliac_spine_left"][2] > marks["ischial_tuberosity_left"][2]
    assert marks["pubic_tubercle_left"][1] < marks["ischial_tuberosity_left"][1]


def test_flexion_moves_the_knee_forward_and_abduction_outward():
    patient = replace(typical_patient(1), flexion_left=0.0, abduction_left=0.0, rotation_left=0.0)
    below = (110.0, 0.0, -200.0)
    flexed = replace(patient, flexion_left=10.0)
    abducted = replace(patient, abduction_left=10.0)
    inward = replace(patient, rotation_left=10.0)

    def moved(who, point=below):
        start = HipAnatomy(patient).pose.to_world(point, side=+1, femur=True)
        return HipAnatomy(who).pose.to_world(point, side=+1, femur=True) - start

    assert moved(flexed)[1] == pytest.approx(-200 * np.sin(np.deg2rad(10)), abs=0.1)
    assert moved(abducted)[0] > 30
    # The trochanter, 52 mm lateral and 15 mm behind the head, goes forward.
    turn = np.deg2rad(10)
    expected = -52 * np.sin(turn) - 15 * (1 - np.cos(turn))
    assert moved(inward, (140.0, 15.0, 0.0))[1] == pytest.approx(expected, abs=0.01)


def test_hips_bend_without_tearing_the_flesh():
    """The map to rest is continuous: neighbouring points stay neighbours, across the midline too."""
    pose = HipAnatomy(replace(draw_patient(9), flexion_left=12.0, flexion_right=-5.0)).pose
    rng = np.random.default_rng(0)
    points = rng.uniform([0, -90, -80], [170, 110, 150], size=(4000, 3)).astype(np.float32)
    body = tuple(points.T.copy())
    near = tuple((points + np.float32(0.5)).T.copy())
    apart = [a - b for a, b in zip(pose.to_rest(body, 1, 0).soft, pose.to_rest(near, 1, 0).soft, strict=True)]
    assert np.linalg.norm(apart, axis=0).max() < 2.5 * 0.5 * np.sqrt(3)
    middle = (np.zeros(500, np.float32), *(p[:500] for p in body[1:]))
    left, right = (pose.to_rest(middle, side, 0).soft for side in (+1, -1))
    assert np.abs(left[1] - right[1]).max() < 1e-3
    assert np.abs(left[0] + right[0]).max() < 1e-3


def test_all_muscles_have_one_intensity(whole):
    """Neither modality gives a muscle's name away: the spread between muscles is that of slow drift."""
    model = typical_tissues(7)
    hu = ct_truth(whole, make_texture(whole, model), model)
    pure = whole.fraction[Tissue.MUSCLE] == 1
    means = [hu[pure & (whole.label == LABEL_IDS[name])].mean() for name in MUSCLES]
    assert np.ptp(means) < 10
    assert np.mean(means) == pytest.approx(model.table[Tissue.MUSCLE].hu, abs=5)


def test_muscles_are_full(whole):
    """Inside a muscle's label there is muscle, fat planes and streaks, but no other stuff."""
    inside = np.isin(whole.label, [LABEL_IDS[name] for name in MUSCLES])
    assert whole.fraction[Tissue.MUSCLE][inside].mean() > 0.75
    rest = whole.fraction[[Tissue.AIR, Tissue.URINE]][:, inside].mean(axis=1)
    assert rest.max() < 0.01
