"""Mutual information against SciPy, scikit-image and closed forms."""

import numpy as np
import pytest
import scipy.stats
import skimage.metrics

from evaluation.image_metrics import (
    mutual_information,
    normalised_mutual_information,
    slicewise_mutual_information,
)
from preprocessing.intensity_window import IntensityWindow

CT = IntensityWindow(-150.0, 350.0, "HU")
MR = IntensityWindow(0.0, 100.0, "nominal")
WINDOWS = (MR, CT)


@pytest.fixture
def mr(reference):
    """Fat bright, muscle grey, bone dark, on a slope of coil sensitivity."""
    tissue = np.select([reference < -500, reference < 0, reference < 250], [2.0, 90.0, 45.0], 15.0)
    return tissue * np.linspace(0.8, 1.0, reference.shape[1])[None, :, None]


def entropies(a, b):
    joint, _, _ = np.histogram2d(a, b, bins=64, range=[(0, 100), (-150, 350)])
    alone = [scipy.stats.entropy(joint.sum(axis=axis)) for axis in (1, 0)]
    return *alone, scipy.stats.entropy(joint.ravel())


def test_equal_scipy(mr, reference, body):
    h_a, h_b, h_ab = entropies(mr[body], np.clip(reference[body], -150, 350))
    assert mutual_information(mr, reference, window=WINDOWS, mask=body) == pytest.approx(
        h_a + h_b - h_ab, abs=1e-9
    )
    assert normalised_mutual_information(mr, reference, window=WINDOWS, mask=body) == pytest.approx(
        (h_a + h_b) / h_ab, abs=1e-9
    )


def test_normalised_equals_scikit_image_when_the_data_fill_the_windows(mr, reference, body):
    low_high = [IntensityWindow(float(v[body].min()), float(v[body].max()), "1") for v in (mr, reference)]
    expected = skimage.metrics.normalized_mutual_information(mr[body], reference[body], bins=64)
    ours = normalised_mutual_information(mr, reference, window=tuple(low_high), mask=body)
    # scikit-image computes its histogram's edges another way: a value on an edge may change its bin.
    assert ours == pytest.approx(expected, abs=1e-6)


def test_two_independent_halves_share_nothing_and_equal_ones_share_all():
    a, b = np.meshgrid([10.0, 90.0], [-100.0, 300.0], indexing="ij")
    a, b = (np.repeat(v[..., None], 5, axis=2) for v in (a, b))
    everywhere = np.ones(a.shape, bool)
    assert mutual_information(a, b, window=WINDOWS, mask=everywhere) == pytest.approx(0.0, abs=1e-12)
    assert normalised_mutual_information(a, b, window=WINDOWS, mask=everywhere) == pytest.approx(1.0)
    assert mutual_information(a, a, window=(MR, MR), mask=everywhere) == pytest.approx(np.log(2))
    assert normalised_mutual_information(
        a, -a, window=(MR, IntensityWindow(-100.0, 0.0)), mask=everywhere
    ) == pytest.approx(2.0)


def test_is_symmetric_and_blind_to_inversion(mr, reference, body):
    expected = mutual_information(mr, reference, window=WINDOWS, mask=body)
    assert mutual_information(reference, mr, window=(CT, MR), mask=body) == pytest.approx(expected, rel=1e-12)
    inverted = IntensityWindow(-100.0, 0.0, "nominal")
    assert mutual_information(-mr, reference, window=(inverted, CT), mask=body) == pytest.approx(
        expected, rel=1e-3
    )


def test_mask_equals_crop_and_beyond_the_window_is_its_edge(mr, reference):
    box = (slice(3, 20), slice(4, 15), slice(2, 9))
    mask = np.zeros(mr.shape, bool)
    mask[box] = True
    expected = mutual_information(mr[box], reference[box], window=WINDOWS, mask=mask[box])
    assert mutual_information(mr, reference, window=WINDOWS, mask=mask) == pytest.approx(expected, rel=1e-12)
    clipped = np.clip(reference, -150, 350)
    assert mutual_information(mr, clipped, window=WINDOWS, mask=mask) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("plane", "axis"), [("sagittal", 0), ("coronal", 1), ("axial", 2)])
def test_slicewise_is_the_mean_over_slices_that_meet_the_mask(mr, reference, body, plane, axis):
    body = body & (np.arange(body.shape[axis]) > 6).reshape([-1 if k == axis else 1 for k in range(3)])
    values = [
        mutual_information(
            *(np.take(v, [k], axis) for v in (mr, reference)), window=WINDOWS, mask=np.take(body, [k], axis)
        )
        for k in range(body.shape[axis])
        if np.take(body, k, axis).any()
    ]
    ours = slicewise_mutual_information(mr, reference, window=WINDOWS, mask=body, plane=plane)
    assert ours == pytest.approx(np.mean(values), rel=1e-12)


def test_a_constant_volume_shares_nothing(mr, body):
    flat = np.full(mr.shape, 40.0)
    assert mutual_information(mr, flat, window=(MR, MR), mask=body) == pytest.approx(0.0, abs=1e-12)
    assert normalised_mutual_information(flat, flat, window=(MR, MR), mask=body) == 1.0
