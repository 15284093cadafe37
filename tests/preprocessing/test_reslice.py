"""Reslicing: a linear world is reproduced, blur comes before coarse sampling, and air stays air."""

import nibabel as nib
import numpy as np
import pytest
from laws import (
    CENTRE_LPS,
    GRIDS,
    RAMP_TOLERANCE,
    SAME_PLACE_MM,
    array,
    body,
    hounsfield,
    points,
    ramp,
    tissue,
    volume,
)
from nibabel.processing import resample_from_to

from preprocessing.grid import Grid, grid_of
from preprocessing.orientation import CanonicalOrientation
from preprocessing.resampling import anti_aliasing_sigma, resample_linear
from preprocessing.reslice import ToGrid, ToReferenceGrid
from preprocessing.scan import Scan

IDENTITY = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)


@pytest.fixture(params=GRIDS.values(), ids=GRIDS)
def grid(request):
    return request.param


def scan(grid: Grid, function=hounsfield) -> Scan:
    return Scan(
        image=volume(grid, function),
        mask=volume(grid, body, kind=np.uint8),
        label=volume(grid, lambda where: (tissue(where) == 80) * 7, kind=np.uint8),
    )


def to(grid: Grid, *, outside: float) -> ToGrid:
    return ToGrid(
        size=grid.size, spacing=grid.spacing, origin=grid.origin, direction=grid.direction, outside=outside
    )


def test_the_reference_grid_has_the_size_spacing_centre_and_axes_asked_for(grid):
    step = ToReferenceGrid(spacing=(6.5, 3.0, 5.0), size=(20, 31, 16), outside=-1000)
    found = grid_of(step(scan(grid)).image)
    assert found.size == (20, 31, 16)
    np.testing.assert_allclose(found.spacing, (6.5, 3.0, 5.0))
    np.testing.assert_allclose(found.centre, CENTRE_LPS, atol=SAME_PLACE_MM)
    np.testing.assert_allclose(found.direction, grid.direction, atol=1e-6)
    first_corner = np.array(CENTRE_LPS) - np.reshape(grid.direction, (3, 3)) @ [
        9.5 * 6.5,
        15 * 3.0,
        7.5 * 5.0,
    ]
    np.testing.assert_allclose(found.origin, first_corner, atol=SAME_PLACE_MM)


def test_after_canonical_orientation_size_and_spacing_are_those_of_r_a_s(grid):
    step = ToReferenceGrid(spacing=(6.5, 3.0, 5.0), size=(20, 31, 16), outside=-1000)
    affine = grid_of(step(CanonicalOrientation()(scan(grid))).image).affine_ras
    assert nib.aff2axcodes(affine) == ("R", "A", "S")
    np.testing.assert_allclose(nib.affines.voxel_sizes(affine), (6.5, 3.0, 5.0))


def test_a_scan_on_its_reference_grid_is_passed_on_bit_for_bit(grid):
    before = scan(grid)
    for step in (
        ToReferenceGrid(spacing=grid.spacing, size=grid.size, outside=-1000),
        to(grid, outside=-1000),
    ):
        after = step(before)
        np.testing.assert_array_equal(array(after.image), array(before.image))
        np.testing.assert_array_equal(array(after.label), array(before.label))
        assert after.notes["coverage"]["fraction"] == 1.0


@pytest.mark.parametrize(
    "spacing", [(2.3, 3.1, 2.9), (5.0, 6.0, 4.0), (8.0, 7.0, 9.0)], ids=["fine", "same", "coarse"]
)
@pytest.mark.parametrize("target", ["RAS", "oblique"])
def test_a_ramp_is_reproduced_wherever_no_border_is_near(grid, spacing, target):
    """Both by interpolation and by the low pass, whose kernel is symmetric and sums to 1."""
    wanted = Grid(size=(5, 5, 5), spacing=spacing, origin=CENTRE_LPS, direction=GRIDS[target].direction)
    half = np.reshape(wanted.direction, (3, 3)) @ (np.array(spacing) * 2)
    wanted = Grid(
        size=wanted.size,
        spacing=spacing,
        origin=tuple((np.array(CENTRE_LPS) - half).tolist()),
        direction=wanted.direction,
    )
    result = resample_linear(volume(grid, ramp), wanted, outside=-1000)
    np.testing.assert_allclose(array(result), ramp(points(wanted)), atol=RAMP_TOLERANCE)


def test_interpolation_agrees_with_nibabel():
    """nibabel.processing is the other implementation; the target is finer, so there is no low pass."""
    source, target = GRIDS["LPS"], GRIDS["oblique"]
    fine = Grid(size=(30, 20, 24), spacing=(3.0, 4.0, 3.0), origin=target.origin, direction=target.direction)
    image = volume(source, tissue)
    other = resample_from_to(
        nib.Nifti1Image(array(image), source.affine_ras), (fine.size, fine.affine_ras), order=1, cval=-5
    )
    ours = array(resample_linear(image, fine, outside=-5))
    inside = (ours != -5) & (other.get_fdata() != -5)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(ours[inside], other.get_fdata()[inside], atol=1e-3)


def stripes(where):
    return 100 * (np.floor(where[..., 0] / 2) % 2)


def test_fine_stripes_become_grey_and_not_an_alias():
    fine = Grid(size=(200, 8, 8), spacing=(1.0, 5.0, 5.0), origin=(0.5, 0, 0), direction=IDENTITY)
    coarse = Grid(size=(40, 8, 8), spacing=(4.4, 5.0, 5.0), origin=(10.5, 0, 0), direction=IDENTITY)
    image = volume(fine, stripes)
    # One coarse step is 1.1 periods: without a low pass the stripes return 44 mm wide.
    plain = array(image)[10:186:4, 0, 0]
    assert plain.std() < 1
    result = array(resample_linear(image, coarse, outside=0))[4:-4]
    nearest = array(image)[(10 + 4.4 * np.arange(40)).astype(int)[4:-4], 0, 0]
    assert nearest.std() > 40
    assert result.std() < 10
    np.testing.assert_allclose(result.mean(), 50, atol=2)


def test_the_low_pass_is_the_difference_of_two_voxel_widths():
    fine = Grid(size=(9, 9, 9), spacing=(1.0, 2.0, 5.0), origin=(0, 0, 0), direction=IDENTITY)
    coarse = Grid(size=(9, 9, 9), spacing=(3.0, 2.0, 4.0), origin=(0, 0, 0), direction=IDENTITY)
    fwhm = 2 * np.sqrt(2 * np.log(2))
    np.testing.assert_allclose(anti_aliasing_sigma(fine, coarse), (np.sqrt(9 - 1) / fwhm, 0, 0), atol=1e-12)
    assert anti_aliasing_sigma(coarse, coarse) == (0, 0, 0)


def test_the_low_pass_follows_turned_axes():
    fine = Grid(size=(9, 9, 9), spacing=(1.0, 1.0, 1.0), origin=(0, 0, 0), direction=IDENTITY)
    turned = Grid(
        size=(9, 9, 9), spacing=(3.0, 1.0, 5.0), origin=(0, 0, 0), direction=(0, 0, -1, 1, 0, 0, 0, 1, 0)
    )
    expected = np.sqrt([24, 8, 0]) / np.sqrt(8 * np.log(2))
    np.testing.assert_allclose(anti_aliasing_sigma(fine, turned), expected, atol=1e-12)


@pytest.mark.parametrize("outside", [-1000.0, 0.0])
def test_beyond_the_scan_lies_the_value_asked_for_and_no_body(grid, outside):
    step = ToReferenceGrid(spacing=(8.0, 8.0, 8.0), size=(40, 40, 40), outside=outside)
    after = step(scan(grid, lambda where: np.full(where.shape[:-1], 30.0)))
    covered = array(after.coverage) > 0
    assert 0.02 < covered.mean() < 0.5
    assert set(np.unique(array(after.image)[~covered])) == {np.float32(outside)}
    np.testing.assert_allclose(array(after.image)[covered], 30.0, atol=1e-4)
    assert not array(after.mask)[~covered].any()
    assert not array(after.label)[~covered].any()


def test_coverage_is_noted_and_its_lack_is_a_warning():
    source = GRIDS["RAS"]
    whole = ToReferenceGrid(spacing=source.spacing, size=(14, 17, 22), outside=0)(scan(source))
    slices = {"sagittal": [1.0] * 14, "coronal": [1.0] * 17, "axial": [1.0] * 22}
    assert whole.notes["coverage"] == {"fraction": 1.0, "slices": slices}
    assert whole.warnings == ()
    assert whole.coverage is None
    half = ToReferenceGrid(spacing=source.spacing, size=(56, 17, 22), outside=0)(scan(source))
    sagittal = [0.0] * 14 + [1.0] * 28 + [0.0] * 14
    slices = {"sagittal": sagittal, "coronal": [0.5] * 17, "axial": [0.5] * 22}
    assert half.notes["coverage"] == {"fraction": 0.5, "slices": slices}
    assert half.warnings == ("the scan covers 50.0% of its reference grid",)
    np.testing.assert_array_equal(array(half.coverage)[:, 0, 0], sagittal)


def test_labels_are_never_mixed(grid):
    after = ToReferenceGrid(spacing=(7.0, 3.3, 5.1), size=(20, 20, 20), outside=-1000)(scan(grid))
    assert set(np.unique(array(after.label))) == {0, 7}


def test_the_box_is_centred_on_the_body_where_asked(grid):
    shifted = Scan(
        image=volume(grid, tissue),
        mask=volume(grid, lambda where: body(where + np.array([10.0, 0, 0])), kind=np.uint8),
    )
    step = ToReferenceGrid(spacing=(4.0, 4.0, 4.0), size=(10, 10, 10), outside=0, centre="body")
    offset = np.array(grid_of(step(shifted).image).centre) - np.array(CENTRE_LPS)
    inside = array(shifted.mask) > 0
    np.testing.assert_allclose(offset, points(grid)[inside].mean(axis=0) - CENTRE_LPS, atol=SAME_PLACE_MM)
    assert offset[0] < -5


def test_impossible_boxes_and_missing_bodies_are_refused():
    with pytest.raises(ValueError, match="expected three positive sizes and spacings"):
        ToReferenceGrid(spacing=(1.0, 0.0, 1.0), size=(8, 8, 8), outside=0)
    with pytest.raises(ValueError, match="expected three positive sizes and spacings"):
        ToReferenceGrid(spacing=(1.0, 1.0), size=(8, 8), outside=0)
    step = ToReferenceGrid(spacing=(4.0, 4.0, 4.0), size=(8, 8, 8), outside=0, centre="body")
    with pytest.raises(ValueError, match="put BodyMask before it"):
        step(Scan(image=volume(GRIDS["LPS"], tissue)))
    empty = volume(GRIDS["LPS"], lambda where: np.zeros(where.shape[:-1]), kind=np.uint8)
    with pytest.raises(ValueError, match="found an empty mask"):
        step(Scan(image=volume(GRIDS["LPS"], tissue), mask=empty))


def test_outside_must_be_said():
    with pytest.raises(TypeError, match="outside"):
        ToReferenceGrid(spacing=(1.0, 1.0, 1.0), size=(8, 8, 8))
