"""Summaries against NumPy and SciPy, and the coverage that an interval promises."""

import math

import numpy as np
import pytest
import scipy.stats

from evaluation.statistics import bootstrap_interval, bootstrap_interval_over_seeds, summarise

PATIENTS = np.array([18.2, 25.4, 19.8, 20.4, 17.8, 23.0, 30.1, 16.5])


def test_mean_sd_and_median_by_hand():
    summary = summarise([1.0, 2.0, 6.0])
    assert (summary.n, summary.mean, summary.median) == (3, 3.0, 2.0)
    assert summary.sd == pytest.approx(math.sqrt((4 + 1 + 9) / 2))


def test_interval_equals_scipy():
    result = scipy.stats.bootstrap(
        (PATIENTS,), np.mean, n_resamples=100_000, method="percentile", rng=np.random.default_rng(1)
    )
    # Both are samples: the ends scatter by about 1 % of the SD of the mean.
    sampling = 0.06 * PATIENTS.std() / math.sqrt(PATIENTS.size)
    low, high = result.confidence_interval
    assert bootstrap_interval(PATIENTS) == pytest.approx((low, high), abs=sampling)


def test_interval_is_the_same_for_the_same_seed_and_moves_with_the_data():
    assert bootstrap_interval(PATIENTS, seed=4) == bootstrap_interval(PATIENTS, seed=4)
    assert bootstrap_interval(PATIENTS, seed=4) != bootstrap_interval(PATIENTS, seed=5)
    low, high = bootstrap_interval(PATIENTS)
    assert bootstrap_interval(10 * PATIENTS - 7) == pytest.approx((10 * low - 7, 10 * high - 7))


def test_one_patient_or_none_has_no_interval():
    one = summarise([3.0])
    assert (one.mean, one.median) == (3.0, 3.0)
    assert math.isnan(one.sd)
    assert all(math.isnan(end) for end in one.interval)
    assert summarise([]).n == 0
    assert math.isnan(summarise([]).mean)


def test_seeds_widen_the_interval_by_their_own_spread():
    same = np.tile(PATIENTS, (3, 1))
    assert bootstrap_interval_over_seeds(same) == pytest.approx(bootstrap_interval(PATIENTS), abs=0.1)
    drifting = same + np.array([[-6.0], [0.0], [6.0]])
    narrow, wide = (np.diff(bootstrap_interval_over_seeds(values))[0] for values in (same, drifting))
    assert wide > 1.5 * narrow


def test_spread_over_seeds_and_patients_adds_in_squares():
    random = np.random.default_rng(0)
    patients, seeds = random.normal(0, 2.0, 40), random.normal(0, 1.0, 30)
    low, high = bootstrap_interval_over_seeds(seeds[:, None] + patients[None])
    expected = 2 * 1.96 * math.sqrt(patients.var() / 40 + seeds.var() / 30)
    assert high - low == pytest.approx(expected, rel=0.05)


def test_one_seed_has_no_interval_over_seeds():
    assert all(math.isnan(end) for end in bootstrap_interval_over_seeds(PATIENTS[None]))


def test_refuses_undefined_values():
    with pytest.raises(ValueError, match="finite"):
        summarise([1.0, math.nan])
