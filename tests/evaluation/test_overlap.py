"""Overlap and distances against MONAI, closed forms, and the rules for absent and cut structures."""

import math

import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance

from evaluation.overlap import comparability, dice, hausdorff95, mean_surface_distance, volume_error

FLOAT32 = 1e-5
"""Relative difference that MONAI's float32 may make."""

METRICS = (dice, hausdorff95, mean_surface_distance, volume_error)


def one_hot(structure: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack([~structure, structure])[None].astype(np.float32))


@pytest.fixture
def pair(ball):
    """Two overlapping balls, one with a satellite, so that the percentile matters."""
    first = ball(9.0, centre=(-3.0, 0.0, 2.0))
    first[20:22, 15:17, 12:14] = True
    return first, ball(10.0, centre=(2.0, 1.0, -1.0))


@pytest.mark.parametrize("at_border", [False, True])
def test_equal_monai(pair, spacing, at_border):
    a, b = (np.roll(x, -7, axis=0) if at_border else x for x in pair)
    assert bool(a[0].any()) == at_border
    y_pred, y = one_hot(a), one_hot(b)
    assert dice(a, b, spacing=spacing) == pytest.approx(
        compute_dice(y_pred, y, include_background=False).item(), rel=FLOAT32
    )
    expected = compute_hausdorff_distance(y_pred, y, percentile=95, spacing=spacing).item()
    assert hausdorff95(a, b, spacing=spacing) == pytest.approx(expected, rel=FLOAT32)
    expected = compute_average_surface_distance(y_pred, y, symmetric=True, spacing=spacing).item()
    assert mean_surface_distance(a, b, spacing=spacing) == pytest.approx(expected, rel=FLOAT32)


def test_concentric_balls_lie_their_difference_of_radii_apart(ball):
    fine = {"shape": (61, 61, 61), "spacing": (0.5, 0.5, 0.5)}
    inner, outer = ball(8.0, **fine), ball(12.0, **fine)
    half_voxel, half_voxel_diagonal = 0.25, 0.25 * math.sqrt(3)
    assert mean_surface_distance(inner, outer, spacing=fine["spacing"]) == pytest.approx(4.0, abs=half_voxel)
    assert hausdorff95(inner, outer, spacing=fine["spacing"]) == pytest.approx(4.0, abs=half_voxel_diagonal)
    assert dice(inner, outer, spacing=fine["spacing"]) == pytest.approx(2 * 8**3 / (8**3 + 12**3), rel=0.01)
    expected = 4 / 3 * math.pi * (8**3 - 12**3) / 1000
    assert volume_error(inner, outer, spacing=fine["spacing"]) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("axis", "millimetres"), [(0, 2.0), (1, 1.5), (2, 3.0)])
def test_a_shifted_plate_lies_one_spacing_apart(spacing, axis, millimetres):
    plate = np.zeros((24, 20, 16), bool)
    plate[4:20, 4:16, 4:12] = True
    thin = plate & (np.indices(plate.shape)[axis] == 8)
    moved = np.roll(thin, 1, axis=axis)
    assert hausdorff95(thin, moved, spacing=spacing) == pytest.approx(millimetres)
    assert mean_surface_distance(thin, moved, spacing=spacing) == pytest.approx(millimetres)
    assert dice(thin, moved, spacing=spacing) == 0


def test_dice_and_volume_by_hand():
    a, b = np.zeros((3, 4, 5), bool), np.zeros((3, 4, 5), bool)
    a[1, 1, 1:4], b[1, 1, 2:5] = True, True
    large = (10.0, 10.0, 10.0)  # 1 mL a voxel, so that nothing is cut to under 1 mL
    assert dice(a, b, spacing=large) == pytest.approx(2 * 2 / 6)
    b[1, 2, 2] = True
    assert volume_error(a, b, spacing=large) == pytest.approx(-1.0)


def test_identity_and_symmetry(pair, spacing):
    a, b = pair
    assert [metric(a, a, spacing=spacing) for metric in METRICS] == [1.0, 0.0, 0.0, 0.0]
    for metric in (dice, hausdorff95, mean_surface_distance):
        assert metric(a, b, spacing=spacing) == pytest.approx(metric(b, a, spacing=spacing), rel=1e-12)
    assert volume_error(a, b, spacing=spacing) == -volume_error(b, a, spacing=spacing)


@pytest.mark.parametrize("metric", METRICS)
def test_flips_and_permuted_axes_change_nothing(pair, spacing, metric):
    a, b = pair
    expected = metric(a, b, spacing=spacing)
    assert metric(a[::-1, :, ::-1], b[::-1, :, ::-1], spacing=spacing) == pytest.approx(expected, rel=1e-12)
    turned = metric(a.transpose(2, 0, 1), b.transpose(2, 0, 1), spacing=(spacing[2], spacing[0], spacing[1]))
    assert turned == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_empty_space_around_changes_nothing(pair, spacing, metric):
    a, b = pair
    padded = metric(np.pad(a, 4), np.pad(b, 4), spacing=spacing)
    assert padded == pytest.approx(metric(a, b, spacing=spacing), rel=1e-12)


def test_absent_in_both_is_not_applicable(spacing):
    nothing = np.zeros((24, 20, 16), bool)
    assert comparability(nothing, nothing, spacing=spacing) == "not applicable"
    assert all(math.isnan(metric(nothing, nothing, spacing=spacing)) for metric in METRICS)


@pytest.mark.parametrize("absent", ["prediction", "reference"])
def test_absent_in_one_is_a_failure_with_dice_zero(ball, spacing, absent):
    there, nothing = ball(8.0), np.zeros((24, 20, 16), bool)
    a, b = (nothing, there) if absent == "prediction" else (there, nothing)
    assert comparability(a, b, spacing=spacing) == "failure"
    assert dice(a, b, spacing=spacing) == 0.0
    assert math.isnan(hausdorff95(a, b, spacing=spacing))
    assert math.isnan(mean_surface_distance(a, b, spacing=spacing))
    sign = -1 if absent == "prediction" else 1
    assert volume_error(a, b, spacing=spacing) == pytest.approx(sign * there.sum() * 9 / 1000)


@pytest.mark.parametrize(
    ("start", "count", "outcome"),
    [
        (0, 110, "not applicable"),  # 0.99 mL at the edge of the field of view
        (0, 112, "comparable"),  # 1.008 mL at the edge
        (1, 110, "comparable"),  # 0.99 mL, but whole: small, not cut
    ],
)
def test_only_a_structure_cut_by_the_field_of_view_is_excused(ball, spacing, start, count, outcome):
    reference = np.zeros((24, 20, 16), bool)
    row, column = np.divmod(np.arange(count), 14)
    reference[5 + row, 3 + column, start] = True
    assert comparability(ball(8.0), reference, spacing=spacing) == outcome
    assert math.isnan(dice(ball(8.0), reference, spacing=spacing)) == (outcome == "not applicable")


def test_refuses_labels_for_masks_and_no_spacing(pair, spacing):
    a, b = pair
    with pytest.raises(Exception, match=r"boolean|Bool"):
        dice(a.astype(np.uint8), b, spacing=spacing)
    with pytest.raises(ValueError, match="positive spacings"):
        dice(a, b, spacing=(1.0, 0.0, 1.0))
    with pytest.raises(Exception, match=r"one shape|19"):
        dice(a[:, 1:], b, spacing=spacing)
