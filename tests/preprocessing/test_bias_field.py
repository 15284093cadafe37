"""N4 takes away the shading it should, and nothing else."""

import numpy as np
import pytest
import SimpleITK as sitk
from laws import CENTRE_LPS, array, body, tissue, volume

from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.grid import Grid
from preprocessing.scan import Scan

GRID = Grid(
    size=(44, 30, 20), spacing=(4.0, 4.0, 5.0), origin=(-74, -65, -16), direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)
)
RESIDUAL_SHARE = 0.3
"""Share of the true field's RMS that may be left."""
SPURIOUS = 0.01
"""RMS change of an image without shading."""
NOISE = 1.5
"""Standard deviation of the noise, 4 % of muscle."""


def field(where: np.ndarray) -> np.ndarray:
    """A smooth field as a coil makes it: 12 % RMS in the body, in closed form."""
    x, y, z = np.moveaxis((where - np.array(CENTRE_LPS)) / 80, -1, 0)
    return np.exp(0.3 * x - 0.25 * y + 0.2 * z**2 + 0.15 * x * z - 0.15 * x**2)


def shaded(where: np.ndarray) -> np.ndarray:
    return noisy(where) * field(where)


def noisy(where: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(scale=NOISE, size=where.shape[:-1])
    return np.clip(tissue(where) + np.where(body(where), noise, 0), 0, None)


def scan(function) -> Scan:
    return Scan(image=volume(GRID, function), mask=volume(GRID, body, kind=np.uint8))


INSIDE = array(volume(GRID, body)) > 0


def log_ratio(before: sitk.Image, after: sitk.Image) -> np.ndarray:
    ratio = np.log(array(before)[INSIDE] / array(after)[INSIDE])
    return ratio - ratio.mean()


def test_at_most_a_third_of_a_known_field_is_left():
    before = scan(shaded)
    after = N4BiasFieldCorrection()(before)
    true = np.log(array(volume(GRID, field))[INSIDE])
    true = true - true.mean()
    assert true.std() > 0.1
    assert (log_ratio(before.image, after.image) - true).std() < RESIDUAL_SHARE * true.std()


def test_an_image_without_shading_changes_by_less_than_a_percent():
    before = scan(noisy)
    after = N4BiasFieldCorrection()(before)
    assert log_ratio(before.image, after.image).std() < SPURIOUS


@pytest.mark.parametrize("function", [shaded, noisy], ids=["shaded", "noisy"])
def test_the_mean_of_the_body_is_kept(function):
    before = scan(function)
    after = N4BiasFieldCorrection()(before)
    np.testing.assert_allclose(
        array(after.image)[INSIDE].mean(), array(before.image)[INSIDE].mean(), rtol=1e-5
    )


def test_the_field_is_smooth_at_full_resolution():
    """Taken from the spline, not enlarged from the shrunk image: no blocks."""
    before = scan(shaded)
    ratio = array(before.image) / np.maximum(array(N4BiasFieldCorrection()(before).image), 1e-6)
    ratio[~INSIDE] = np.nan
    steps = [np.nanmax(np.abs(np.diff(np.log(ratio), n=2, axis=axis))) for axis in range(3)]
    assert max(steps) < 0.01


def test_scaling_of_the_input_scales_the_output():
    once = N4BiasFieldCorrection()(scan(shaded))
    scaled = N4BiasFieldCorrection()(scan(lambda where: 20 * shaded(where)))
    np.testing.assert_allclose(array(scaled.image), 20 * array(once.image), rtol=2e-3)


def test_the_number_of_threads_does_not_change_a_bit():
    before, found = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), []
    try:
        for threads in (1, 3):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            found.append(array(N4BiasFieldCorrection()(scan(shaded)).image))
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    np.testing.assert_array_equal(found[0], found[1])


def test_convergence_is_recorded_and_its_lack_is_a_warning():
    done = N4BiasFieldCorrection()(scan(shaded))
    assert done.notes["N4BiasFieldCorrection"]["convergence"] <= N4BiasFieldCorrection().convergence
    assert done.warnings == ()
    stopped = N4BiasFieldCorrection(iterations=[2], convergence=1e-6)(scan(shaded))
    assert any("N4 ended at a convergence of" in message for message in stopped.warnings)


def test_zeros_and_negatives_inside_the_body_do_not_spoil_the_rest():
    """Resampled or windowed MR has them; their logarithm is nothing to fit."""

    def holed(where):
        value = shaded(where)
        value[::7, ::7, ::3], value[3::7, 3::7, 1::3] = 0.0, -5.0
        return value

    before, plain = scan(holed), N4BiasFieldCorrection()(scan(shaded))
    after = N4BiasFieldCorrection()(before)
    assert np.isfinite(array(after.image)).all()
    good = INSIDE & (array(before.image) > 0)
    field_of = [
        np.log(array(part.image)[good] / array(done.image)[good])
        for part, done in ((before, after), (scan(shaded), plain))
    ]
    assert (field_of[0] - field_of[1]).std() < SPURIOUS
    np.testing.assert_array_equal(array(after.image)[array(before.image) == 0], 0)


def test_the_start_is_taken_where_there_is_shading_and_only_there():
    with_field, without = (N4BiasFieldCorrection()(scan(function)) for function in (shaded, noisy))
    assert with_field.notes["N4BiasFieldCorrection"]["started"] is True
    assert without.notes["N4BiasFieldCorrection"]["started"] is False
    alone = N4BiasFieldCorrection(start_gain=None)(scan(shaded))
    assert alone.notes["N4BiasFieldCorrection"]["started"] is False


def test_a_body_that_does_not_shine_is_refused():
    spark = volume(
        GRID, lambda where: np.where(np.all(np.abs(where - [14, -5, 29]) < 2.1, axis=-1), 9.0, 0.0)
    )
    assert array(spark)[INSIDE].any()
    dark = Scan(image=spark, mask=scan(noisy).mask)
    with pytest.raises(ValueError, match="expected a body with positive intensities, found none"):
        N4BiasFieldCorrection()(dark)


def test_without_a_mask_or_on_ct_it_refuses():
    with pytest.raises(ValueError, match="expected a body mask, found none; put BodyMask before it"):
        N4BiasFieldCorrection()(Scan(image=volume(GRID, tissue)))
    with pytest.raises(ValueError, match=r"expected positive MR in the body, found a mean of -.*is it CT"):
        N4BiasFieldCorrection()(scan(lambda where: -tissue(where)))


def test_a_thin_stack_is_corrected_too():
    thin = Grid(size=(44, 30, 4), spacing=(4.0, 4.0, 5.0), origin=GRID.origin, direction=GRID.direction)
    result = N4BiasFieldCorrection()(Scan(image=volume(thin, shaded), mask=volume(thin, body, kind=np.uint8)))
    assert np.isfinite(array(result.image)).all()
