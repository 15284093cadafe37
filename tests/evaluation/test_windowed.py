"""Windowed metrics against scikit-image, MONAI and their own laws."""

import math

import numpy as np
import pytest
import skimage.metrics
import torch
from monai.metrics import MAEMetric, MSEMetric, PSNRMetric, SSIMMetric

from evaluation.image_metrics import (
    windowed_mae,
    windowed_mse,
    windowed_psnr,
    windowed_ssim,
    windowed_ssim_3d,
)
from preprocessing.intensity_window import IntensityWindow

SCALARS = [windowed_mae, windowed_mse, windowed_psnr]
ALL = [*SCALARS, lambda a, b, **k: windowed_ssim(a, b, plane="coronal", **k), windowed_ssim_3d]
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
FLOAT32 = 1e-4
"""Relative difference that MONAI's float32 may make."""


def to_levels(volume: np.ndarray) -> np.ndarray:
    return (np.clip(volume, -150, 350) + 150) / 500 * 255


def as_batch(volume: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(to_levels(volume))[None, None]


def test_mae_by_hand():
    window, mask = IntensityWindow(0.0, 100.0, "nominal"), np.ones((1, 1, 3), bool)
    reference = np.array([[[0.0, 50.0, 100.0]]])
    prediction = np.array([[[-40.0, 60.0, 400.0]]])  # two are clipped to the truth, one is 10 % off
    assert windowed_mae(prediction, reference, window=window, mask=mask) == pytest.approx(25.5 / 3)
    assert windowed_mse(prediction, reference, window=window, mask=mask) == pytest.approx(25.5**2 / 3)


def test_equal_scikit_image(prediction, reference, window):
    mask = np.ones(reference.shape, bool)
    a, b = to_levels(prediction), to_levels(reference)
    assert windowed_mse(prediction, reference, window=window, mask=mask) == pytest.approx(
        skimage.metrics.mean_squared_error(b, a), rel=1e-9
    )
    assert windowed_psnr(prediction, reference, window=window, mask=mask) == pytest.approx(
        skimage.metrics.peak_signal_noise_ratio(b, a, data_range=255), rel=1e-9
    )


@pytest.mark.parametrize(
    ("ours", "monais"),
    [(windowed_mae, MAEMetric()), (windowed_mse, MSEMetric()), (windowed_psnr, PSNRMetric(max_val=255))],
)
def test_equal_monai_on_the_whole_image(prediction, reference, window, ours, monais):
    expected = monais(as_batch(prediction), as_batch(reference)).item()
    mask = np.ones(reference.shape, bool)
    assert ours(prediction, reference, window=window, mask=mask) == pytest.approx(expected, rel=FLOAT32)


@pytest.mark.parametrize("plane", ["coronal", "axial"])
def test_ssim_equals_monai_where_the_weights_stay_inside(prediction, reference, window, plane):
    # MONAI gives only pixels whose 11x11 weights fit into the slice, and averages slices: so does this mask.
    mask = np.zeros(reference.shape, bool)
    mask[tuple(slice(None) if axis == AXES[plane] else slice(5, -5) for axis in range(3))] = True
    a, b = (np.moveaxis(to_levels(v), AXES[plane], 0)[:, None].copy() for v in (prediction, reference))
    expected = (
        SSIMMetric(spatial_dims=2, data_range=255)(torch.from_numpy(a), torch.from_numpy(b)).mean().item()
    )
    ours = windowed_ssim(prediction, reference, window=window, mask=mask, plane=plane)
    assert ours == pytest.approx(expected, abs=FLOAT32)


def test_ssim_3d_equals_monai_where_the_weights_stay_inside(prediction, reference, window):
    mask = np.zeros(reference.shape, bool)
    mask[5:-5, 5:-5, 5:-5] = True
    expected = SSIMMetric(spatial_dims=3, data_range=255)(as_batch(prediction), as_batch(reference)).item()
    ours = windowed_ssim_3d(prediction, reference, window=window, mask=mask)
    assert ours == pytest.approx(expected, abs=FLOAT32)


def test_ssim_equals_its_formula_at_one_pixel(prediction, reference, window):
    mask = np.zeros(reference.shape, bool)
    mask[12, 9, 8] = True
    x, y = (to_levels(v)[7:18, 4:15, 8] for v in (prediction, reference))
    weight = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    weight = np.outer(weight, weight) / weight.sum() ** 2
    mx, my = (weight * x).sum(), (weight * y).sum()
    vx, vy, vxy = (
        (weight * x * x).sum() - mx**2,
        (weight * y * y).sum() - my**2,
        (weight * x * y).sum() - mx * my,
    )
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert windowed_ssim(prediction, reference, window=window, mask=mask, plane="axial") == pytest.approx(
        expected, abs=1e-9
    )


@pytest.mark.parametrize("metric", ALL)
def test_is_symmetric(prediction, reference, window, body, metric):
    one = metric(prediction, reference, window=window, mask=body)
    assert one == pytest.approx(metric(reference, prediction, window=window, mask=body), rel=1e-12)


@pytest.mark.parametrize(("metric", "best"), list(zip(ALL, [0.0, 0.0, math.inf, 1.0, 1.0], strict=True)))
def test_identity_is_the_best_value_and_nothing_else_reaches_it(
    prediction, reference, window, body, metric, best
):
    assert metric(reference, reference, window=window, mask=body) == pytest.approx(best)
    assert metric(prediction, reference, window=window, mask=body) != pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("metric", ALL)
def test_what_happens_beyond_the_window_or_the_mask_does_not_count(
    prediction, reference, window, body, metric
):
    expected = metric(prediction, reference, window=window, mask=body)
    brighter = np.where(prediction > 350, prediction + 900, prediction)
    assert metric(brighter, reference, window=window, mask=body) == pytest.approx(expected, rel=1e-12)
    if metric in SCALARS:  # SSIM's weights reach over the border of the mask
        noisy = np.where(body, prediction, 100.0)
        assert metric(noisy, reference, window=window, mask=body) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", SCALARS)
def test_mask_equals_crop(prediction, reference, window, metric):
    box = (slice(3, 20), slice(4, 15), slice(2, 9))
    mask = np.zeros(reference.shape, bool)
    mask[box] = True
    cropped = metric(prediction[box], reference[box], window=window, mask=mask[box])
    assert metric(prediction, reference, window=window, mask=mask) == pytest.approx(cropped, rel=1e-12)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flipping_everything_changes_nothing(prediction, reference, window, body, metric, axis):
    flipped = metric(
        np.flip(prediction, axis), np.flip(reference, axis), window=window, mask=np.flip(body, axis)
    )
    assert flipped == pytest.approx(metric(prediction, reference, window=window, mask=body), rel=1e-9)


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial"])
def test_ssim_of_a_stack_is_that_of_its_slices(prediction, reference, window, plane):
    axis, mask = AXES[plane], np.ones(reference.shape, bool)
    if plane == "sagittal":
        prediction, reference = (v.transpose(2, 1, 0) for v in (prediction, reference))
        mask = mask.transpose(2, 1, 0)
    singles = [
        windowed_ssim(
            *(np.take(v, [k], axis) for v in (prediction, reference)),
            window=window,
            mask=np.take(mask, [k], axis),
            plane=plane,
        )
        for k in range(reference.shape[axis])
    ]
    stack = windowed_ssim(prediction, reference, window=window, mask=mask, plane=plane)
    assert stack == pytest.approx(np.mean(singles), rel=1e-12)


def test_integers_are_measured_as_their_values(prediction, reference, window, body):
    a, b = prediction.round().astype(np.int16), reference.round().astype(np.int16)
    assert windowed_mae(a, b, window=window, mask=body) == windowed_mae(
        a.astype(float), b.astype(float), window=window, mask=body
    )


@pytest.mark.parametrize("metric", ALL)
def test_refuses_an_empty_mask_and_missing_numbers(prediction, reference, window, body, metric):
    with pytest.raises(ValueError, match="at least one voxel"):
        metric(prediction, reference, window=window, mask=np.zeros_like(body))
    broken = np.where(body, np.nan, prediction)
    with pytest.raises(ValueError, match=r"prediction: expected finite voxels in the mask, found \d+"):
        metric(broken, reference, window=window, mask=body)


def test_refuses_other_shapes(prediction, reference, window, body):
    with pytest.raises(Exception, match=r"one shape|\(23, 20, 16\)|23"):
        windowed_mae(prediction[1:], reference, window=window, mask=body)


def test_refuses_slices_smaller_than_the_weights(window):
    thin = np.zeros((20, 20, 10))
    with pytest.raises(ValueError, match="11 pixels"):
        windowed_ssim(thin, thin, window=window, mask=thin == 0, plane="coronal")


def test_refuses_an_unknown_plane(prediction, reference, window, body):
    with pytest.raises(Exception, match="transverse"):
        windowed_ssim(prediction, reference, window=window, mask=body, plane="transverse")
