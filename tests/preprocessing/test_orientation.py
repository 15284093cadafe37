"""Canonical orientation moves voxels in the array and nothing in the patient."""

import nibabel as nib
import numpy as np
import pytest
from laws import GRIDS, SAME_PLACE_MM, array, centroid, marker, ramp, volume

from preprocessing.grid import grid_of
from preprocessing.orientation import CanonicalOrientation, canonical
from preprocessing.scan import Scan
from preprocessing.volume import write_volume


@pytest.fixture(params=GRIDS.values(), ids=GRIDS)
def grid(request):
    return request.param


def test_axes_run_to_the_right_front_and_head_as_nibabel_reads_them(grid, tmp_path):
    write_volume(canonical(volume(grid, marker)), tmp_path / "scan.nii.gz")
    stored = nib.load(tmp_path / "scan.nii.gz")
    assert nib.aff2axcodes(stored.affine) == ("R", "A", "S")
    peak = np.unravel_index(np.argmax(np.asarray(stored.dataobj)), stored.shape)
    # The marker lies on the right and towards the head: in the later half of axes 0 and 2.
    assert peak[0] > stored.shape[0] / 2
    assert peak[2] > stored.shape[2] / 2


def test_it_is_the_closest_canonical_of_nibabel_voxel_for_voxel(grid):
    image = volume(grid, ramp)
    expected = nib.as_closest_canonical(nib.Nifti1Image(array(image), grid.affine_ras))
    result = canonical(image)
    np.testing.assert_array_equal(array(result), np.asarray(expected.dataobj))
    np.testing.assert_allclose(grid_of(result).affine_ras, expected.affine, atol=SAME_PLACE_MM)


def test_every_voxel_keeps_its_place_and_an_oblique_scan_its_axes(grid):
    result = canonical(volume(grid, ramp))
    np.testing.assert_allclose(array(result), array(volume(grid_of(result), ramp)), atol=1e-4)
    columns = {tuple(np.abs(column).round(6)) for column in np.reshape(grid.direction, (3, 3)).T}
    assert columns == {
        tuple(np.abs(column).round(6)) for column in np.reshape(result.GetDirection(), (3, 3)).T
    }
    assert sorted(array(result).ravel()) == sorted(array(volume(grid, ramp)).ravel())


def test_twice_is_once_and_mask_and_label_go_along(grid):
    step = CanonicalOrientation()
    image = volume(grid, marker)
    label = volume(grid, lambda where: marker(where) > 500, kind=np.uint8)
    once = step(Scan(image=image, mask=label, label=label))
    twice = step(once)
    np.testing.assert_array_equal(array(twice.image), array(once.image))
    assert grid_of(twice.image) == grid_of(once.image)
    np.testing.assert_array_equal(array(once.label), array(once.image) > 500)
    np.testing.assert_array_equal(array(once.mask), array(once.label))
    np.testing.assert_allclose(centroid(once.image), centroid(image), atol=SAME_PLACE_MM)
