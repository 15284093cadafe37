"""Laws of sampling on another grid, each in closed form: noise, ramps, point sources, waves, air."""

import numpy as np
import pytest
import SimpleITK as sitk
from laws import CENTRE_LPS, GRIDS, RAMP_TOLERANCE, SAME_PLACE_MM, array, hounsfield, points, ramp, volume

from preprocessing.grid import Grid, grid_of, place
from preprocessing.low_pass import PIECE, low_passed
from preprocessing.resampling import resample_linear, resample_nearest, sample_linear
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import Scan

IDENTITY = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
STANDARD_DEVIATIONS = 6.0
"""A measured variance may be this far from the true one, in its own standard deviations."""
CORRELATED = 2.0
"""Neighbouring samples of blurred noise share some of it: so many count as one, at most."""
CUT_SUM = 1e-3
"""What the terms after the 200th add to a sum that falls with the square of their number."""
ROUNDING = 1e-5
"""Relative error of 32-bit sums."""


def straight(size, spacing, origin=(0.0, 0.0, 0.0)) -> Grid:
    return Grid(size=size, spacing=spacing, origin=origin, direction=IDENTITY)


def image_of(voxels: np.ndarray, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.astype(np.float32).T))
    place(image, grid)
    return image


def kernel(spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps and weights of the low pass from spacing 1 to a coarser one, as defined and not as programmed."""
    step = np.arange(-40, 41)
    variance = max(spacing**2 - 1, 1e-9) / (8 * np.log(2))
    weight = np.exp(-(step**2) / (2 * variance))
    return step, weight / weight.sum()


def transfer(spacing: float, frequency: float) -> float:
    """Share of a wave, in radians per voxel, that the low pass lets through."""
    step, weight = kernel(spacing)
    return float(np.sum(weight * np.cos(step * frequency)))


def variance_left(spacing: float, at: np.ndarray) -> np.ndarray:
    """Share of the variance of white noise of spacing 1 that is left at positions in voxels.

    Between voxels, linear interpolation at fraction f weighs two neighbours 1 - f and f, whose blurred noise
    has the kernel's autocorrelation in common.
    """
    _, weight = kernel(spacing)
    same, next_one = np.sum(weight**2), np.sum(weight[1:] * weight[:-1])
    fraction = at - np.floor(at)
    return (1 - 2 * fraction + 2 * fraction**2) * same + 2 * fraction * (1 - fraction) * next_one


@pytest.mark.parametrize(
    "spacing", [(2.7, 1.0, 3.4), (2.0, 2.0, 2.0), (1.3, 4.1, 1.0), (0.7, 1.0, 2.5)], ids=str
)
def test_noise_falls_by_the_share_that_theory_says(spacing):
    noise = np.random.default_rng(5).standard_normal((96, 96, 96))
    margin = 20.0
    size = tuple(int((95 - 2 * margin) / step) for step in spacing)
    target = straight(size, spacing, origin=(margin + 0.3,) * 3)
    found = array(resample_linear(image_of(noise, straight((96,) * 3, (1.0,) * 3)), target, outside=0))
    at = [margin + 0.3 + step * np.arange(count) for step, count in zip(spacing, size, strict=True)]
    left = [variance_left(step, where) for step, where in zip(spacing, at, strict=True)]
    expected = left[0][:, None, None] * left[1][:, None] * left[2]
    independent = found.size / CORRELATED * np.prod(np.minimum(spacing, 1))
    assert abs((found**2 / expected).mean() - 1) < STANDARD_DEVIATIONS * np.sqrt(2 / independent)
    if max(spacing) >= 2:
        assert expected.mean() < 0.25


def test_the_outermost_voxels_are_no_noisier_than_the_scan():
    noise = np.random.default_rng(6).standard_normal((90, 90, 90))
    found = array(
        resample_linear(
            image_of(noise, straight((90,) * 3, (1.0,) * 3)), straight((30,) * 3, (3.0,) * 3), outside=0
        )
    )
    assert found[0].std() < noise.std()
    assert found[0].std() > found[15].std()


@pytest.mark.parametrize("code", GRIDS)
@pytest.mark.parametrize("spacing", [(2.3, 3.1, 2.9), (9.0, 11.0, 8.0), (4.0, 13.0, 3.0)], ids=str)
@pytest.mark.parametrize("target", ["RAS", "oblique"])
def test_a_ramp_is_reproduced_up_to_the_outermost_voxel_centres(code, spacing, target):
    source = GRIDS[code]
    size = tuple(int(160 / step) for step in spacing)
    axes = np.reshape(GRIDS[target].direction, (3, 3))
    origin = np.array(CENTRE_LPS) - axes @ ((np.array(size) - 1) / 2 * spacing)
    wanted = Grid(
        size=size, spacing=spacing, origin=tuple(origin.tolist()), direction=GRIDS[target].direction
    )
    where = points(wanted)
    inverse = np.linalg.inv(source.affine_lps)
    index = where @ inverse[:3, :3].T + inverse[:3, 3]
    between = ((index >= 0) & (index <= np.array(source.size) - 1)).all(axis=-1)
    near_border = between & ((index < 1) | (index > np.array(source.size) - 2)).any(axis=-1)
    assert near_border.sum() > 20
    found = array(resample_linear(volume(source, ramp), wanted, outside=-1000))
    np.testing.assert_allclose(found[between], ramp(where)[between], atol=RAMP_TOLERANCE)


@pytest.mark.parametrize("code", ["RAS", "LAS", "LPS", "oblique"])
def test_size_spacing_origin_and_every_corner_are_where_they_were_asked_to_be(code):
    source, spacing, size = GRIDS[code], (7.0, 5.5, 9.0), (21, 30, 12)
    step = ToReferenceGrid(spacing=spacing, size=size, outside=-1000)
    found = grid_of(step(Scan(image=volume(source, hounsfield))).image)
    assert found.size == size
    np.testing.assert_allclose(found.spacing, spacing, atol=SAME_PLACE_MM)
    half = (np.array(size) - 1) / 2 * spacing
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    corners = np.array(CENTRE_LPS) + (signs * half) @ np.reshape(source.direction, (3, 3)).T
    np.testing.assert_allclose(found.corners(), corners, atol=SAME_PLACE_MM)
    np.testing.assert_allclose(found.origin, corners[0], atol=SAME_PLACE_MM)


@pytest.mark.parametrize("code", GRIDS)
def test_no_value_from_beyond_the_scan_comes_into_the_body_and_none_rings(code):
    """Random blocks of air and bone: every sampled value is between them, and outside is air to the bit."""
    source = GRIDS[code]
    blocks = np.random.default_rng(3).choice([-1000.0, 1500.0], size=source.size)
    step = ToReferenceGrid(spacing=(9.0, 8.0, 11.0), size=(26, 24, 20), outside=-2000.0)
    after = step(Scan(image=image_of(blocks, source)))
    covered = array(after.coverage) > 0
    assert 0.05 < covered.mean() < 0.95
    assert set(np.unique(array(after.image)[~covered])) == {np.float32(-2000)}
    assert array(after.image)[covered].min() >= -1000 - 1e-3
    assert array(after.image)[covered].max() <= 1500 + 1e-3


@pytest.mark.parametrize("code", GRIDS)
@pytest.mark.parametrize("spacing", [(9.0, 8.0, 11.0), (3.0, 4.0, 2.5)], ids=str)
def test_what_was_not_scanned_inside_a_volume_has_no_say_either(code, spacing):
    """A volume padded with air where a tilted or cut scan did not reach."""
    source = GRIDS[code]
    reached = (points(source) - np.array(CENTRE_LPS)) @ np.array([0.6, 0.0, 0.8]) < 11.0
    voxels = np.where(reached, 30.0, -1000.0)
    scan = Scan(image=image_of(voxels, source), coverage=sitk.Cast(image_of(reached, source), sitk.sitkUInt8))
    after = ToReferenceGrid(spacing=spacing, size=(14, 12, 10), outside=-1000.0)(scan)
    covered = array(after.coverage) > 0
    assert 0.2 < covered.mean() < 0.95
    np.testing.assert_allclose(array(after.image)[covered], 30.0, atol=1e-2)
    assert set(np.unique(array(after.image)[~covered])) == {np.float32(-1000)}
    assert after.notes["coverage"]["fraction"] == pytest.approx(covered.mean())


def test_labels_are_those_of_the_nearest_voxel():
    source, target = GRIDS["oblique"], GRIDS["RAS"]
    labels = np.random.default_rng(1).integers(0, 9, size=source.size)
    image = sitk.Cast(image_of(labels, source), sitk.sitkUInt8)
    inverse = np.linalg.inv(source.affine_lps)
    index = points(target) @ inverse[:3, :3].T + inverse[:3, 3]
    rounded = np.rint(index).astype(int)
    inside = ((rounded >= 0) & (rounded < source.size)).all(axis=-1)
    undecided = (np.abs(index - np.floor(index) - 0.5) < 1e-3).any(axis=-1)
    expected = np.zeros(target.size)
    expected[inside] = labels[tuple(rounded[inside].T)]
    np.testing.assert_array_equal(array(resample_nearest(image, target))[~undecided], expected[~undecided])


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_point_sources_mass_is_kept_wherever_it_lies_between_the_samples(factor):
    """Exactly in the mean of all places, and at each but for the ripple that the low pass lets through.

    Poisson's sum: the ripple is twice the transfer of kernel and interpolation (sinc squared) at the
    multiples of the coarse sampling rate, and a source on a sample has all of it.
    """
    source, target = straight((61, 3, 3), (1.0, 1.0, 1.0)), straight((60 // factor, 3, 3), (factor, 1.0, 1.0))
    masses = []
    for place_of_source in range(30, 30 + factor):
        voxels = np.zeros(source.size)
        voxels[place_of_source] = 1.0
        masses.append(
            array(resample_linear(image_of(voxels, source), target, outside=0))[:, 1, 1].sum() * factor
        )
    rates = np.arange(1, 200) / factor
    ripple = 2 * sum(abs(transfer(factor, 2 * np.pi * rate)) * np.sinc(rate) ** 2 for rate in rates)
    assert np.mean(masses) == pytest.approx(1, abs=ROUNDING)
    assert ripple < 0.15
    assert np.abs(np.array(masses) - 1).max() == pytest.approx(ripple, abs=CUT_SUM)


def test_finer_and_back_by_interpolation_alone_is_the_identity():
    coarse, fine = straight((12, 11, 10), (3.0, 2.0, 4.0)), straight((34, 31, 28), (1.0, 2 / 3, 4 / 3))
    image = image_of(np.random.default_rng(2).standard_normal(coarse.size), coarse)
    back = sample_linear(sample_linear(image, fine, outside=9.0), coarse, outside=9.0)
    np.testing.assert_allclose(array(back), array(image), atol=1e-4)


@pytest.mark.parametrize("wavelength", [8.0, 16.0, 40.0])
def test_a_wave_that_goes_finer_and_back_keeps_the_amplitude_that_theory_says(wavelength):
    """Interpolation to half the spacing lets (1 + cos w)/2 of a wave through and mirrors the rest."""
    coarse, fine = straight((80, 3, 3), (2.0, 1.0, 1.0)), straight((159, 3, 3), (1.0, 1.0, 1.0))
    image = volume(coarse, lambda where: np.cos(2 * np.pi * where[..., 0] / wavelength))
    back = array(resample_linear(resample_linear(image, fine, outside=0), coarse, outside=0))
    w = 2 * np.pi / wavelength
    kept = (1 + np.cos(w)) / 2 * transfer(2, w) + (1 - np.cos(w)) / 2 * transfer(2, np.pi - w)
    inner = slice(10, -10)
    np.testing.assert_allclose(back[inner], kept * array(image)[inner], atol=1e-4)
    assert kept > 0.6


@pytest.mark.parametrize("axis", range(3))
def test_every_line_is_blurred_as_if_it_were_alone_however_many_there_are(axis):
    """Large volumes are blurred in pieces, which nothing may show."""
    shape = [2 * PIECE + 3] * 3
    voxels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    before = voxels.copy()
    sigma = tuple(1.7 if other == axis else 0.0 for other in range(3))
    blurred = low_passed(voxels, sigma)
    np.testing.assert_array_equal(voxels, before)
    for at in (0, PIECE - 1, PIECE, 2 * PIECE + 2):
        line = tuple(slice(None) if other == axis else slice(at, at + 1) for other in range(3))
        np.testing.assert_array_equal(blurred[line], low_passed(voxels[line], sigma))
