"""Patients differ as written down, and only so."""

from dataclasses import asdict

import numpy as np
import pytest

from preprocessing.phantom.patient import POSE, VARIANCES, change_pose, draw_patient, typical_patient

PATIENTS = 600


@pytest.fixture(scope="module")
def population():
    return [asdict(draw_patient(seed)) for seed in range(PATIENTS)]


@pytest.mark.parametrize("name", VARIANCES)
def test_draws_have_the_stated_mean_spread_and_limits(population, name):
    spread = VARIANCES[name]
    values = np.array([patient[name] for patient in population])
    assert values.mean() == pytest.approx(
        spread.mean, abs=5 * spread.sd / np.sqrt(PATIENTS) + 0.05 * spread.sd
    )
    assert values.std() == pytest.approx(spread.sd, rel=0.2)
    assert values.min() >= spread.low
    assert values.max() <= spread.high


def test_draws_are_independent(population):
    table = np.array([[patient[name] for name in VARIANCES] for patient in population])
    correlation = np.corrcoef(table.T) - np.eye(len(VARIANCES))
    assert np.abs(correlation).max() < 5 / np.sqrt(PATIENTS)


def test_no_shift_means_one_population():
    assert draw_patient(5, shift=0.0) == draw_patient(5)


def test_shift_adds_the_stated_steps_and_nothing_else():
    plain, moved, half = (
        asdict(draw_patient(5)),
        asdict(draw_patient(5, shift=1)),
        asdict(draw_patient(5, shift=0.5)),
    )
    for name, spread in VARIANCES.items():
        assert moved[name] - plain[name] == pytest.approx(spread.shift)
        assert half[name] - plain[name] == pytest.approx(spread.shift / 2)
    named = {name for name, spread in VARIANCES.items() if spread.shift}
    assert {"fat", "offset_z", *POSE} == named


def test_the_typical_patient_is_the_mean():
    typical = asdict(typical_patient())
    assert all(typical[name] == spread.mean for name, spread in VARIANCES.items())


def test_a_second_scan_changes_pose_only():
    first = draw_patient(8)
    second = change_pose(first, degrees=3.0)
    changed = {name for name, value in asdict(first).items() if asdict(second)[name] != value}
    assert changed == set(POSE)
    assert change_pose(first, degrees=3.0) == second
    assert change_pose(first, degrees=0.0) == first
