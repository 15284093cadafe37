"""A grid says where voxels are, in LPS for SimpleITK and in RAS for nibabel, and when two are one."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from laws import CENTRE_LPS, GRIDS, SAME_PLACE_MM, points, tissue, volume

from preprocessing.grid import GRID_TOLERANCE_MM, grid_from_affine, grid_of


@pytest.fixture(params=GRIDS.values(), ids=GRIDS)
def grid(request):
    return request.param


def test_the_affine_is_simpleitks_own_index_to_point(grid):
    image = volume(grid, tissue)
    for index in ((0, 0, 0), (3, 5, 7), tuple(count - 1 for count in grid.size)):
        expected = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((grid.affine_lps @ [*index, 1])[:3], expected, atol=1e-9)
    assert grid_of(image) == grid


def test_lps_and_ras_differ_by_two_signs(grid):
    np.testing.assert_array_equal(grid.affine_ras, np.diag([-1, -1, 1, 1]) @ grid.affine_lps)


def test_the_orientation_codes_are_those_of_nibabel():
    for code in ("RAS", "LAS", "LPS"):
        assert "".join(nib.aff2axcodes(GRIDS[code].affine_ras)) == code


def test_centre_and_corners(grid):
    np.testing.assert_allclose(grid.centre, CENTRE_LPS, atol=1e-9)
    np.testing.assert_allclose(grid.corners().mean(axis=0), CENTRE_LPS, atol=1e-9)
    np.testing.assert_allclose(grid.corners()[0], grid.origin)
    np.testing.assert_allclose(grid.corners()[-1], points(grid)[-1, -1, -1])


def test_a_32_bit_affine_gives_the_grid_back_with_orthonormal_axes(grid):
    again = grid_from_affine(grid.affine_ras.astype(np.float32).astype(float), grid.size)
    np.testing.assert_allclose(again.corners(), grid.corners(), atol=SAME_PLACE_MM)
    axes = np.reshape(again.direction, (3, 3))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.sign(np.linalg.det(axes)) == np.sign(np.linalg.det(np.reshape(grid.direction, (3, 3))))


def test_a_difference_says_what_differs_and_only_beyond_the_tolerance(grid):
    assert grid.difference(grid) == ""
    first, *rest = grid.origin
    assert grid.difference(replace(grid, origin=(first + 0.9 * GRID_TOLERANCE_MM, *rest))) == ""
    assert grid.difference(replace(grid, origin=(first + 3.0, *rest))) == "corners up to 3 mm apart"
    wider = replace(grid, spacing=tuple(1.1 * step for step in grid.spacing))
    assert "mm apart" in grid.difference(wider)
    assert grid.difference(replace(grid, size=(1, 2, 3))) == f"size {grid.size} against (1, 2, 3)"


def test_a_slab_lies_where_the_same_slices_of_the_whole_lie(grid):
    slab = grid.slab(3, 7)
    assert slab.size == (*grid.size[:2], 4)
    for index in ((0, 0, 0), (2, 1, 3)):
        inside = np.array([*index, 1.0])
        np.testing.assert_allclose(
            slab.affine_lps @ inside, grid.affine_lps @ (inside + np.array([0, 0, 3, 0])), atol=1e-9
        )
    assert not grid.slab(0, grid.size[2]).difference(grid)
