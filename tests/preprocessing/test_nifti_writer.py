"""What is written fast is what NIfTI readers and gzip expect, and tells neither when nor by what name."""

import gzip
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from laws import GRIDS, SAME_PLACE_MM

from preprocessing.grid import Grid, grid_of
from preprocessing.nifti_writer import PIECE, write_nifti

GRID = GRIDS["oblique"]
KINDS = [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]


def ramp(kind: type = np.int16, grid: Grid = GRID) -> np.ndarray:
    return np.arange(np.prod(grid.size)).reshape(grid.size[::-1]).astype(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_other_readers_find_the_same_voxels_of_the_same_type_at_the_same_places(kind, suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    write_nifti(ramp(kind), GRID, path)
    itks, third = sitk.ReadImage(str(path)), nib.load(path)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(itks), ramp(kind))
    assert sitk.GetArrayViewFromImage(itks).dtype == third.get_data_dtype() == kind
    assert grid_of(itks).difference(GRID) == ""
    np.testing.assert_array_equal(np.asarray(third.dataobj), ramp(kind).T)
    np.testing.assert_allclose(third.affine, GRID.affine_ras, atol=SAME_PLACE_MM)
    np.testing.assert_allclose(third.get_qform(), GRID.affine_ras, atol=SAME_PLACE_MM)
    assert {int(third.header[f"{form}form_code"]) for form in "qs"} == {1}
    assert third.header.get_xyzt_units()[0] == "mm"


def test_a_volume_of_many_pieces_passes_gzips_own_test(tmp_path):
    size = (128, 128, 3 * PIECE // (128 * 128 * 4) + 1)
    grid = Grid(
        size=size, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=tuple(np.eye(3).ravel())
    )
    noise = np.random.default_rng(0).normal(size=size[::-1]).astype(np.float32)
    path = tmp_path / "x.nii.gz"
    write_nifti(noise, grid, path)
    assert gzip.decompress(path.read_bytes())[352:] == noise.tobytes()
    if program := shutil.which("gzip"):
        subprocess.run([program, "-t", str(path)], check=True)


def test_an_array_in_another_order_is_written_as_what_it_says(tmp_path):
    write_nifti(np.asfortranarray(ramp()), GRID, tmp_path / "one.nii.gz")
    write_nifti(ramp(), GRID, tmp_path / "two.nii.gz")
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "two.nii.gz").read_bytes()


def test_the_bytes_tell_neither_name_nor_time(tmp_path):
    write_nifti(ramp(), GRID, tmp_path / "name.nii.gz")
    header = (tmp_path / "name.nii.gz").read_bytes()[:10]
    assert header[:2] == b"\x1f\x8b"
    assert header[3] == 0, "no optional field, such as a name (RFC 1952, section 2.3)"
    assert header[4:8] == b"\0\0\0\0", "no time"
