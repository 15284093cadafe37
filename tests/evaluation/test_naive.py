"""The naive answers are the best of their kind."""

import numpy as np
import pytest

from evaluation.image_metrics import windowed_mae
from evaluation.naive import ContextFreeMap, Example, fit_context_free_map, input_answer, mean_target
from preprocessing.intensity_window import IntensityWindow

MR = IntensityWindow(0.0, 100.0, "nominal")
CT = IntensityWindow(-150.0, 350.0, "HU")


@pytest.fixture
def mr(reference):
    """Contrast of T1: fat bright, muscle grey with a slope, bone dark like air."""
    slope = np.linspace(-8, 8, reference.shape[0])[:, None, None]
    return np.select([reference < -500, reference < 0, reference < 250], [3.0, 85.0, 45.0], 10.0) + slope


@pytest.fixture
def example(mr, reference, body):
    """A true pair."""
    return Example(image=mr, target=reference, mask=body, input_window=MR, target_window=CT)


def bins_of(image):
    return np.minimum((np.clip(image, 0, 100) / 100 * 256).astype(int), 255)


def test_map_is_the_median_of_each_bin(example, mr, reference, body):
    levels = fit_context_free_map([example]).levels
    bins, targets = bins_of(mr[body]), CT.levels(reference[body])
    for value in np.unique(bins):
        assert levels[value] == pytest.approx(np.median(targets[bins == value]), abs=1e-9)


def test_no_other_map_has_a_smaller_error(example, mr, reference, body):
    fitted = fit_context_free_map([example])
    best = windowed_mae(fitted(mr), reference, window=CT, mask=body)
    assert best < windowed_mae(
        input_answer(mr, input_window=MR, target_window=CT), reference, window=CT, mask=body
    )
    for value in np.unique(bins_of(mr[body])):
        for change in (-4.0, 4.0):
            levels = fitted.levels.copy()
            levels[value] += change
            other = ContextFreeMap(levels=levels, input_window=MR, target_window=CT)
            assert windowed_mae(other(mr), reference, window=CT, mask=body) >= best - 1e-12


def test_a_context_free_truth_is_found_to_a_bin():
    ramp = np.linspace(0, 100, 24 * 20 * 16).reshape(24, 20, 16)
    target = 300 - 4 * ramp
    everywhere = np.ones(ramp.shape, bool)
    example = Example(image=ramp, target=target, mask=everywhere, input_window=MR, target_window=CT)
    width_of_a_bin = 4 * 100 / 256
    assert np.abs(fit_context_free_map([example])(ramp) - target).max() <= width_of_a_bin


def test_a_bin_that_never_occurs_is_interpolated(example):
    image = np.where(example.mask, np.where(example.target < 0, 20.0, 60.0), 0.0)
    target = np.where(image < 40, -100.0, 100.0)
    sparse = Example(image=image, target=target, mask=example.mask, input_window=MR, target_window=CT)
    middle = np.full((1, 1, 1), 40.0)
    assert fit_context_free_map([sparse])(middle).item() == pytest.approx(0.0, abs=2.0)


def test_every_case_is_read_in_its_own_window(example, mr):
    fitted = fit_context_free_map([example])
    doubled = fitted(2 * mr, input_window=IntensityWindow(0.0, 200.0, "nominal"))
    np.testing.assert_allclose(doubled, fitted(mr))


def test_order_of_the_examples_does_not_matter(example, prediction, body):
    other = Example(
        image=example.image[::-1], target=prediction, mask=body, input_window=MR, target_window=CT
    )
    np.testing.assert_array_equal(
        fit_context_free_map([example, other]).levels, fit_context_free_map([other, example]).levels
    )


def test_mean_target_is_the_mean_and_reads_one_after_the_other(reference, prediction):
    expected = (reference + prediction) / 2
    np.testing.assert_allclose(mean_target(iter([reference, prediction])), expected)
    integers = [np.full((2, 2, 2), 30000, np.int16)] * 3
    assert (mean_target(integers) == 30000).all()


def test_input_answer_has_the_inputs_levels_in_the_targets_window(mr):
    answer = input_answer(mr, input_window=MR, target_window=CT)
    np.testing.assert_allclose(CT.levels(answer), MR.levels(mr), atol=1e-9)


def test_refuse_what_cannot_be_learnt_from(reference):
    with pytest.raises(ValueError, match="at least one true pair"):
        fit_context_free_map([])
    with pytest.raises(ValueError, match="at least one training volume"):
        mean_target([])
    with pytest.raises(ValueError, match=r"\(24, 20, 16\).*\(23, 20, 16\)"):
        mean_target([reference, reference[1:]])
