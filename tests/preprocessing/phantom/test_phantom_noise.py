"""Noise and bias have the statistics that are written down."""

import numpy as np
import pytest

from preprocessing.phantom.acquisition import (
    BIAS_RMS,
    CT_NOISE,
    GAIN_SD,
    MR_NOISE,
    acquire_ct,
    acquire_mr,
    bias_field,
    rician,
)
from preprocessing.phantom.scan_grids import make_grid

SHAPE = (40, 50, 60)


@pytest.fixture
def grid():
    return make_grid(centre=(0, 0, 0), axes="LIP", size=SHAPE[::-1], spacing=(5.0, 5.0, 4.0))


def test_rician_noise_has_its_closed_form_moments():
    """No signal: mean sd sqrt(pi/2) and variance (2 - pi/2) sd^2. Any signal: second moment A^2 + 2 sd^2."""
    rng = np.random.default_rng(0)
    empty = rician(np.zeros(SHAPE, np.float32), 2.0, rng)
    assert empty.mean() == pytest.approx(2 * np.sqrt(np.pi / 2), rel=0.01)
    assert empty.var() == pytest.approx((2 - np.pi / 2) * 4, rel=0.02)
    signal = rician(np.full(SHAPE, 5, np.float32), 2.0, rng)
    assert np.mean(signal.astype(float) ** 2) == pytest.approx(25 + 8, rel=0.01)
    assert signal.min() > 0


def test_mr_is_truth_times_bias_times_gain_with_stated_noise(grid):
    truth = np.full(SHAPE, 100, np.float32)
    ratios = []
    for seed in range(12):
        scan = acquire_mr(truth, grid, np.random.default_rng(seed))
        ratio = scan.image / (scan.truth * scan.bias)
        ratios.append(ratio.mean())
        assert (ratio * scan.bias * 100).std() == pytest.approx(
            np.hypot(MR_NOISE, ratio.mean() * 100 * scan.bias.std()), rel=0.03
        )
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)
    assert 0.3 * GAIN_SD < np.std(ratios) < 2 * GAIN_SD


def test_bias_field_is_smooth_with_the_stated_strength(grid):
    log = np.log(bias_field(grid, np.random.default_rng(3)))
    assert np.sqrt(np.mean(log**2)) == pytest.approx(BIAS_RMS, rel=1e-3)
    assert log.mean() == pytest.approx(0, abs=1e-4)
    assert max(np.abs(np.diff(log, axis=a)).max() for a in range(3)) < 0.03


def test_ct_noise_has_the_drawn_standard_deviation(grid):
    truth = np.zeros(SHAPE, np.float32)
    spread = [acquire_ct(truth, grid, np.random.default_rng(s)).std() for s in range(30)]
    assert np.mean(spread) == pytest.approx(CT_NOISE[0], abs=1.2)
    assert np.std(spread) == pytest.approx(CT_NOISE[1], rel=0.4)


def test_ct_point_spread_widens_edges_and_keeps_the_mean():
    fine = make_grid(centre=(0, 0, 0), axes="LPS", size=(80, 20, 20), spacing=(0.5, 0.5, 0.5))
    edge = np.zeros((20, 20, 80), np.float32)
    edge[:, :, 40:] = 1000
    mean = np.mean([acquire_ct(edge, fine, np.random.default_rng(s)) for s in range(20)], axis=(0, 1, 2))
    assert mean.mean() == pytest.approx(500, abs=1)
    slope = np.diff(mean) / 1000
    centre = (slope * np.arange(79)).sum()
    sd = np.sqrt((slope * (np.arange(79) - centre) ** 2)[30:50].sum()) * 0.5
    assert sd * 2.3548 == pytest.approx(1.1, rel=0.1)  # full width at half maximum, mm


def test_ct_never_falls_below_the_scale(grid):
    assert acquire_ct(np.full(SHAPE, -1020, np.float32), grid, np.random.default_rng(0)).min() >= -1024
