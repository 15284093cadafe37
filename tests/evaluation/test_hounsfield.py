"""Errors in HU by hand and by plain boolean arithmetic."""

import math

import numpy as np
import pytest

from evaluation.image_metrics import hu_mae, hu_me, tissue_errors


def test_by_hand():
    reference = np.array([[[-1000.0, 0.0, 1000.0]]])
    prediction = np.array([[[-900.0, 30.0, 700.0]]])
    everywhere = np.ones((1, 1, 3), bool)
    assert hu_mae(prediction, reference, mask=everywhere) == pytest.approx((100 + 30 + 300) / 3)
    assert hu_me(prediction, reference, mask=everywhere) == pytest.approx((100 + 30 - 300) / 3)
    assert hu_me(reference, prediction, mask=everywhere) == pytest.approx(-(100 + 30 - 300) / 3)


def test_tissue_borders_belong_to_the_class_above():
    reference = np.array([[[-200.5, -200.0, -30.5, -30.0, 249.5, 250.0]]])
    errors = tissue_errors(reference, reference, window=None, mask=np.ones((1, 1, 6), bool))
    assert {name: error.voxels for name, error in errors.items()} == {
        "air": 1,
        "fat": 2,
        "soft": 2,
        "bone": 1,
    }


def test_tissue_errors_equal_plain_selection(prediction, reference, body):
    errors = tissue_errors(prediction, reference, window=None, mask=body)
    for name, where in (
        ("fat", (reference >= -200) & (reference < -30)),
        ("soft", (reference >= -30) & (reference < 250)),
        ("bone", reference >= 250),
    ):
        difference = (prediction - reference)[where & body]
        assert errors[name].mae == pytest.approx(np.abs(difference).mean(), rel=1e-12)
        assert errors[name].me == pytest.approx(difference.mean(), rel=1e-12)


def test_tissues_add_up_to_the_whole(prediction, reference, body):
    errors = tissue_errors(prediction, reference, window=None, mask=body).values()
    total = sum(error.mae * error.voxels for error in errors if error.voxels)
    assert total / body.sum() == pytest.approx(hu_mae(prediction, reference, mask=body), rel=1e-12)


def test_clipping_forgives_what_a_narrow_window_cannot_show(reference, window):
    everywhere = np.ones(reference.shape, bool)
    seen = np.clip(reference, window.low, window.high)
    clipped = tissue_errors(seen, reference, window=window, mask=everywhere)
    assert [error.mae for error in clipped.values()] == [0, 0, 0, 0]
    unclipped = tissue_errors(seen, reference, window=None, mask=everywhere)
    assert unclipped["bone"].me == pytest.approx(350 - 700)
    assert unclipped["air"].me == pytest.approx(-150 + 1000)


def test_clipping_does_not_move_the_tissue_classes(reference, window, body):
    clipped, plain = (tissue_errors(reference, reference, window=w, mask=body) for w in (window, None))
    assert [e.voxels for e in clipped.values()] == [e.voxels for e in plain.values()]


def test_an_absent_tissue_has_no_error(prediction, reference, body):
    air = tissue_errors(prediction, reference, window=None, mask=body)["air"]
    assert air.voxels == 0
    assert math.isnan(air.mae)
    assert math.isnan(air.me)
