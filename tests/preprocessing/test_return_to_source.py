"""What was prepared comes back to the very place it was taken from, in every orientation."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from laws import (
    CENTRE_LPS,
    GRIDS,
    HALF_VOXEL,
    MARKER_LPS,
    RAMP_TOLERANCE,
    array,
    centroid,
    hounsfield,
    marker,
    points,
    ramp,
    volume,
)

from preprocessing.grid import GRID_TOLERANCE_MM, grid_of
from preprocessing.orientation import CanonicalOrientation, canonical
from preprocessing.reslice import ToReferenceGrid
from preprocessing.return_to_source import return_to_source
from preprocessing.scan import Scan
from preprocessing.volume import read_volume, write_volume
from preprocessing.window import IntensityWindow

ONE_HU = 1.0
"""Voxels inside the window may differ this much after a whole chain that should do nothing."""


@pytest.fixture(params=GRIDS.values(), ids=GRIDS)
def grid(request):
    return request.param


def prepared(image: sitk.Image, *, outside: float = -1000, **box) -> sitk.Image:
    scan = CanonicalOrientation()(Scan(image=image))
    return ToReferenceGrid(outside=outside, **box)(scan).image if box else scan.image


def test_turned_axes_are_turned_back_bit_for_bit(grid):
    source = volume(grid, hounsfield)
    back = return_to_source(prepared(source), source=source, outside=-1000)
    np.testing.assert_array_equal(array(back), array(source))
    assert grid_of(back) == grid_of(source)


def test_a_rounded_header_does_not_blur(grid):
    """Half the tolerance of equal grids away, voxels are copied, and lie where the source says."""
    first, *rest = grid.origin
    rounded = volume(replace(grid, origin=(first + GRID_TOLERANCE_MM / 2, *rest)), hounsfield)
    source = volume(grid, hounsfield)
    back = return_to_source(prepared(rounded), source=source, outside=-1000)
    np.testing.assert_array_equal(array(back), array(rounded))
    assert grid_of(back) == grid_of(source)


@pytest.mark.parametrize("voxels", [(3.0, 3.0, 3.0), (4.1, 5.3, 3.7)])
def test_a_ramp_comes_back_wherever_the_prepared_grid_reaches(grid, voxels):
    source = volume(grid, ramp)
    there = prepared(source, spacing=voxels, size=(30, 26, 24))
    back = return_to_source(there, source=source, outside=-1000)
    inner = np.linalg.norm(points(grid) - np.array(CENTRE_LPS), axis=-1) < 25
    np.testing.assert_allclose(array(back)[inner], array(source)[inner], atol=RAMP_TOLERANCE)
    assert grid_of(back) == grid_of(source)


def test_a_marker_on_the_right_stays_on_the_right_within_half_a_voxel(grid, tmp_path):
    """Through files, as nibabel and so MONAI place them."""
    write_volume(volume(grid, marker), tmp_path / "source.nii.gz")
    source = read_volume(tmp_path / "source.nii.gz")
    there = prepared(source, outside=0, spacing=(4.0, 5.0, 4.5), size=(48, 36, 40))
    write_volume(there, tmp_path / "prepared.nii.gz")
    back = return_to_source(read_volume(tmp_path / "prepared.nii.gz"), source=source, outside=0)
    write_volume(back, tmp_path / "back.nii.gz")
    np.testing.assert_allclose(centroid(back), centroid(source), atol=HALF_VOXEL * min(grid.spacing))
    stored = nib.load(tmp_path / "back.nii.gz")
    peak = np.unravel_index(np.argmax(np.asarray(stored.dataobj)), stored.shape)
    found = nib.affines.apply_affine(stored.affine, peak) * [-1, -1, 1]
    assert np.all(
        np.abs((found - np.array(MARKER_LPS)) @ np.reshape(grid.direction, (3, 3))) <= np.array(grid.spacing)
    )
    np.testing.assert_allclose(stored.affine, nib.load(tmp_path / "source.nii.gz").affine, atol=1e-5)


def test_a_chain_through_files_and_an_identity_network_keeps_hounsfield_units(grid, tmp_path):
    window = IntensityWindow(-150.0, 350.0)
    write_volume(volume(grid, hounsfield), tmp_path / "source.nii.gz")
    source = read_volume(tmp_path / "source.nii.gz")
    there = prepared(source)
    seen = sitk.GetImageFromArray(window.backward(window.forward(sitk.GetArrayFromImage(there))))
    seen.CopyInformation(there)
    write_volume(seen, tmp_path / "translated.nii.gz")
    back = return_to_source(read_volume(tmp_path / "translated.nii.gz"), source=source, outside=-1000)
    inside = (array(source) >= window.low) & (array(source) <= window.high)
    assert 0.2 < inside.mean() < 0.9
    np.testing.assert_allclose(array(back)[inside], array(source)[inside], atol=ONE_HU)


def test_where_the_prepared_grid_does_not_reach_lies_the_value_asked_for(grid):
    source = volume(grid, lambda where: np.full(where.shape[:-1], 40.0))
    there = prepared(source, spacing=(4.0, 4.0, 4.0), size=(8, 8, 8))
    for outside in (-1000.0, 0.0):
        back = array(return_to_source(there, source=source, outside=outside))
        far = np.abs((points(grid) - CENTRE_LPS) @ np.reshape(grid.direction, (3, 3))).max(axis=-1) > 18
        assert set(np.unique(back[far])) == {np.float32(outside)}
        near = np.abs((points(grid) - CENTRE_LPS) @ np.reshape(grid.direction, (3, 3))).max(axis=-1) < 14
        np.testing.assert_allclose(back[near], 40.0, atol=1e-4)


def test_the_source_lends_its_grid_only():
    source = volume(GRIDS["LAS"], hounsfield)
    other = volume(GRIDS["LAS"], lambda where: np.full(where.shape[:-1], np.nan))
    there = prepared(source, spacing=(4.0, 4.0, 4.0), size=(20, 20, 20))
    np.testing.assert_array_equal(
        array(return_to_source(there, source=source, outside=0)),
        array(return_to_source(there, source=other, outside=0)),
    )


def test_whole_numbers_come_back_as_floats():
    source = volume(GRIDS["LPS"], hounsfield)
    there = sitk.Cast(canonical(source), sitk.sitkInt16)
    back = return_to_source(there, source=source, outside=-1000)
    assert back.GetPixelID() == sitk.sitkFloat32
    np.testing.assert_array_equal(array(back), array(source))
