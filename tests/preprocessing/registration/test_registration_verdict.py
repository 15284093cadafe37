"""The verdict as a table: what is good enough, what a person must see, what is wrong."""

from dataclasses import replace

import pytest

from preprocessing.registration.quality import Folding, StageQuality
from preprocessing.registration.verdict import Acceptance

GOOD = StageQuality(mutual_information=0.7, body_dice=0.98, compared=0.97, landmark_error=4.0)
FLAT = Folding(minimum=0.8, share=0.0)
SHARP = 0.6


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({}, "accept", ""),
        ({"landmark_error": None}, "accept", ""),
        ({"body_dice": 0.9}, "review", "body_dice"),
        ({"body_dice": 0.8}, "reject", "body_dice"),
        ({"compared": 0.7}, "review", "compared"),
        ({"compared": 0.3}, "reject", "compared"),
        ({"landmark_error": 12.0}, "review", "landmark_error"),
        ({"landmark_error": 25.0}, "reject", "landmark_error"),
        ({"body_dice": 0.9, "compared": 0.3}, "reject", "compared"),
    ],
)
def test_each_measure_has_its_thresholds(change, verdict, reason):
    judgement = Acceptance().judge(replace(GOOD, **change), sharpness=SHARP, folding=FLAT)
    assert judgement.verdict == verdict
    assert len(judgement.reasons) == (len(change) if reason else 0)
    assert not reason or any(text.startswith(reason) for text in judgement.reasons)


@pytest.mark.parametrize(
    ("sharpness", "minimum", "verdict"),
    [
        (0.3, 0.8, "review"),
        (0.1, 0.8, "reject"),
        (0.6, 0.1, "review"),
        (0.6, 0.0, "reject"),
        (0.6, -1, "reject"),
    ],
)
def test_blunt_or_folded_registrations_do_not_pass(sharpness, minimum, verdict):
    judgement = Acceptance().judge(GOOD, sharpness=sharpness, folding=Folding(minimum=minimum, share=0.0))
    assert judgement.verdict == verdict
    assert len(judgement.reasons) == 1


def test_the_reason_names_threshold_and_value():
    (reason,) = Acceptance().judge(replace(GOOD, body_dice=0.912), sharpness=SHARP, folding=FLAT).reasons
    assert all(text in reason for text in ("body_dice", "0.95", "0.85", "0.912"))


@pytest.mark.parametrize(
    ("change", "share", "reason"),
    [
        ({"mutual_information": 0.9}, 0.0, None),
        ({"mutual_information": 0.9, "landmark_error": None}, 0.0, None),
        ({"mutual_information": 0.9, "landmark_error": 4.5, "body_dice": 0.979}, 0.0, None),
        ({"mutual_information": 0.6}, 0.0, "mutual information"),
        ({"mutual_information": 0.705}, 0.0, "mutual information"),
        ({"mutual_information": 0.9, "body_dice": 0.97}, 0.0, "Dice"),
        ({"mutual_information": 0.9, "landmark_error": 5.1}, 0.0, "landmark"),
        ({"mutual_information": 0.9}, 1e-5, "folds"),
    ],
)
def test_a_deformation_is_never_worse_than_the_rigid_motion(change, share, reason):
    folds = Folding(minimum=-0.1 if share else 0.5, share=share)
    fault = Acceptance().fault_of_deformation(GOOD, replace(GOOD, **change), folds)
    assert (fault is None) if reason is None else (reason in fault)


def test_thresholds_may_come_from_json():
    assert Acceptance(body_dice=[0.9, 0.7]) == Acceptance(body_dice=(0.9, 0.7))
