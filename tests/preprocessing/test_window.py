"""Windows: backward undoes forward inside, outside is clipped, and the body alone decides percentiles."""

import numpy as np
import pytest
from laws import GRIDS, array, tissue, volume

from preprocessing.scan import Scan
from preprocessing.window import FixedWindow, IntensityWindow, PercentileWindow

CT = IntensityWindow(-150.0, 350.0)
ROUNDING = 1e-5
"""32-bit rounding of values up to 1000, in units of the window."""


@pytest.mark.parametrize("window", [CT, IntensityWindow(0.0, 100.0, "nominal"), IntensityWindow(-1024, 3071)])
def test_backward_undoes_forward_inside_the_window(window):
    inside = np.linspace(window.low, window.high, 501, dtype=np.float32)
    np.testing.assert_allclose(window.backward(window.forward(inside)), inside, atol=ROUNDING * 500)


def test_the_ends_of_the_window_are_minus_one_and_one_and_beyond_is_clipped():
    np.testing.assert_array_equal(
        CT.forward(np.array([-1000.0, -150.0, 100.0, 350.0, 3000.0])), [-1, -1, 0, 1, 1]
    )
    np.testing.assert_array_equal(
        CT.levels(np.array([-1000.0, -150.0, 100.0, 350.0, 3000.0])), [0, 0, 127.5, 255, 255]
    )


def test_backward_does_not_clip():
    np.testing.assert_allclose(CT.backward(np.array([-1.2, 1.2])), [-200, 400])


def test_one_grey_level_of_the_paper_is_500_255ths_of_a_hounsfield_unit():
    levels = CT.levels(np.array([0.0, 500 / 255]))
    np.testing.assert_allclose(levels[1] - levels[0], 1.0)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_keep_their_precision_and_whole_numbers_do_not_wrap(kind):
    assert CT.forward(np.array([1, 2], dtype=kind)).dtype == kind
    np.testing.assert_allclose(CT.forward(np.array([0, 100, 255], dtype=np.uint8)), [-0.4, 0, 0.62])


def test_a_window_survives_json():
    assert IntensityWindow.from_dict(CT.to_dict()) == CT


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_an_empty_or_endless_window_is_refused(low, high):
    with pytest.raises(ValueError, match="expected finite low < high, found"):
        IntensityWindow(low, high)


def scan(*, background: float = 0.0) -> Scan:
    image = volume(GRIDS["LPS"], lambda where: np.where(tissue(where) > 0, tissue(where), background))
    return Scan(image=image, mask=volume(GRIDS["LPS"], lambda where: tissue(where) > 0, kind=np.uint8))


def test_a_fixed_window_is_set_and_the_image_stays():
    before = scan()
    after = FixedWindow(low=-150, high=350, unit="HU")(before)
    assert after.window == CT
    np.testing.assert_array_equal(array(after.image), array(before.image))


def test_the_percentile_is_that_of_the_body_whatever_lies_outside():
    step = PercentileWindow(percentile=50)
    for background in (0.0, 5000.0):
        assert step(scan(background=background)).window == IntensityWindow(0.0, 40.0, "nominal")
    assert PercentileWindow(percentile=99.5)(scan()).window == IntensityWindow(0.0, 90.0, "nominal")


def test_a_percentile_needs_a_body_that_shines():
    with pytest.raises(ValueError, match="expected a body mask, found none; put BodyMask before it"):
        PercentileWindow()(Scan(image=scan().image))
    dark = Scan(image=volume(GRIDS["LPS"], lambda where: -tissue(where)), mask=scan().mask)
    with pytest.raises(ValueError, match="expected intensities above 0 in the body"):
        PercentileWindow()(dark)
