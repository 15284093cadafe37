"""A volume comes back from disk as it was, where it was; what is no whole volume is refused with reasons."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from isal import isal_zlib
from laws import GRIDS, SAME_PLACE_MM, array, hounsfield, tissue, volume

from preprocessing.grid import grid_of
from preprocessing.nifti import MOST_BEYOND
from preprocessing.volume import VolumeError, read_labels, read_volume, write_volume

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def save(path: Path, voxels: np.ndarray, affine: np.ndarray | None = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def noise(shape: tuple[int, ...] = (10, 11, 12)) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_a_written_volume_is_read_back_equal_and_where_it_was(grid, suffix, tmp_path):
    image = volume(grid, tissue)
    write_volume(image, tmp_path / f"new/scan{suffix}")
    again = read_volume(tmp_path / f"new/scan{suffix}")
    np.testing.assert_array_equal(array(again), array(image))
    assert again.GetSize() == grid.size
    np.testing.assert_allclose(again.GetSpacing(), grid.spacing, rtol=1e-6)
    np.testing.assert_allclose(again.GetOrigin(), grid.origin, atol=SAME_PLACE_MM)
    np.testing.assert_allclose(grid_of(again).corners(), grid.corners(), atol=SAME_PLACE_MM)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_nibabel_places_the_same_voxels_at_the_same_points(grid, tmp_path):
    image = volume(grid, tissue)
    write_volume(image, tmp_path / "scan.nii.gz")
    other = nib.load(tmp_path / "scan.nii.gz")
    np.testing.assert_allclose(other.affine, grid.affine_ras, atol=SAME_PLACE_MM)
    np.testing.assert_array_equal(np.asarray(other.dataobj), array(image))


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("version", [nib.Nifti1Image, nib.Nifti2Image])
def test_voxels_and_geometry_are_those_of_nibabel_for_every_type_and_version(kind, version, tmp_path):
    turned = nib.affines.from_matvec(
        nib.eulerangles.euler2mat(0.1, 0.2, 0.3) @ np.diag([1.1, 2.2, 3.3]), [7, 8, 9]
    )
    image = version((100 * np.abs(noise())).astype(kind), turned)
    image.header.set_slope_inter(2.0, -5.0)
    nib.save(image, tmp_path / "scan.nii")
    stored = nib.load(tmp_path / "scan.nii")
    read = read_volume(tmp_path / "scan.nii")
    np.testing.assert_array_equal(array(read), stored.get_fdata().astype(np.float32))
    np.testing.assert_allclose(grid_of(read).affine_ras, stored.affine, atol=SAME_PLACE_MM)


def test_the_sform_rules_where_the_qform_disagrees_as_in_nibabel(tmp_path):
    image = nib.Nifti1Image(noise(), AFFINE)
    image.set_qform(np.diag([-2.0, 2.0, 3.0, 1.0]), 1)
    image.set_sform(AFFINE, 4)
    nib.save(image, tmp_path / "scan.nii.gz")
    read = read_volume(tmp_path / "scan.nii.gz")
    np.testing.assert_allclose(grid_of(read).affine_ras, nib.load(tmp_path / "scan.nii.gz").affine, atol=1e-6)


def test_a_fourth_dimension_of_one_is_no_fault(tmp_path):
    read = read_volume(save(tmp_path / "scan.nii.gz", noise((10, 11, 12, 1))))
    np.testing.assert_array_equal(array(read), noise((10, 11, 12, 1))[..., 0])


def with_nan() -> np.ndarray:
    voxels = noise()
    voxels[3, 4, 5] = np.nan
    return voxels


COLOUR = np.zeros((4, 5, 6), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
SHEARED = np.array([[2, 0.5, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])
BAD_CONTENT = {
    "2D": (noise((10, 11)), AFFINE, "expected a 3D volume, found 2 dimensions (10, 11)"),
    "4D": (noise((10, 11, 12, 3)), AFFINE, "expected a 3D volume, found 4 dimensions (10, 11, 12, 3)"),
    "NaN": (with_nan(), AFFINE, "expected finite voxels, found 1 of 1320 voxels NaN"),
    "infinite": (np.where(noise() > 2, np.inf, noise()), AFFINE, "expected finite voxels"),
    "colour": (COLOUR, AFFINE, "expected one real number per voxel"),
    "complex": (noise().astype(np.complex64), AFFINE, "expected one real number per voxel"),
    "no orientation": (noise(), None, "left and right are unknown"),
    "sheared": (noise(), SHEARED, "expected axes at right angles"),
    "metres": (noise(), np.diag([0.001, 0.001, 0.001, 1]), "expected voxels of 0.01 to 100 mm"),
}


@pytest.mark.parametrize("fault", BAD_CONTENT)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_what_is_no_scalar_3d_volume_is_refused_with_case_file_and_fault(fault, suffix, tmp_path):
    voxels, affine, message = BAD_CONTENT[fault]
    path = save(tmp_path / f"scan{suffix}", voxels, affine)
    with pytest.raises(VolumeError) as refusal:
        read_volume(path, case="mr_007")
    assert message in str(refusal.value)
    assert "case mr_007" in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "; " in str(refusal.value), "the message must end with what to do"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kept", [0.999, 0.9, 0.5, 0.1, 0.01, 0.0])
def test_a_truncated_file_is_refused_wherever_it_was_cut(kept, suffix, tmp_path):
    """SimpleITK alone reads the rest as zeros and prints a warning: this is what the check is for."""
    path = save(tmp_path / f"scan{suffix}", noise((20, 30, 40)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(VolumeError, match=r"case mr_007, file .*cut or damaged"):
        read_volume(path, case="mr_007")


def test_a_cut_of_one_byte_is_seen(tmp_path):
    path = save(tmp_path / "scan.nii", noise())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(VolumeError, match="expected 5632 bytes of header and voxels, found 5631 bytes"):
        read_volume(path)


def test_a_flipped_bit_in_the_compressed_stream_is_seen(tmp_path):
    path = save(tmp_path / "scan.nii.gz", noise())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(VolumeError, match="cut or damaged"):
        read_volume(path)


@pytest.mark.parametrize(("beyond", "refused"), [(1000, False), (MOST_BEYOND + 1, True)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_little_after_the_voxels_is_no_fault_but_a_stream_that_goes_on_is_no_volume(
    suffix, beyond, refused, tmp_path
):
    path = save(tmp_path / f"scan{suffix}", noise())
    packed = suffix == ".nii.gz"
    content = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()) + bytes(beyond)
    path.write_bytes(gzip.compress(content) if packed else content)
    if not refused:
        np.testing.assert_array_equal(array(read_volume(path)), noise())
        return
    with pytest.raises(VolumeError, match="cut or damaged"):
        read_volume(path)


def test_a_header_that_promises_more_than_a_file_can_hold_takes_no_memory(tmp_path):
    path = save(tmp_path / "scan.nii.gz", noise())
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[42:48] = np.array([32767] * 3, "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(VolumeError, match="cut or damaged"):
        read_volume(path)


@pytest.mark.parametrize("content", [b"", b"hello" * 200, gzip.compress(b"hello" * 200, mtime=0)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_other_content_under_a_nifti_name_is_refused(content, suffix, tmp_path):
    path = tmp_path / f"scan{suffix}"
    path.write_bytes(content)
    with pytest.raises(VolumeError, match="expected a NIfTI file"):
        read_volume(path)


def test_a_missing_file_and_another_format_are_refused(tmp_path):
    with pytest.raises(VolumeError, match="expected a file, found none"):
        read_volume(tmp_path / "none.nii.gz")
    (tmp_path / "scan.dcm").write_bytes(b"x")
    with pytest.raises(VolumeError, match="convert it to NIfTI"):
        read_volume(tmp_path / "scan.dcm")


@pytest.mark.parametrize(("top", "kind"), [(255, sitk.sitkUInt8), (256, sitk.sitkUInt16)])
def test_labels_keep_their_numbers_in_the_smallest_type(top, kind, tmp_path):
    voxels = np.zeros((4, 5, 6), np.float32)
    voxels[1, 2, 3] = top
    labels = read_labels(save(tmp_path / "label.nii.gz", voxels))
    assert labels.GetPixelID() == kind
    np.testing.assert_array_equal(array(labels), voxels)


@pytest.mark.parametrize("value", [-1.0, 0.5, 70000.0])
def test_labels_that_are_no_small_whole_numbers_are_refused(value, tmp_path):
    voxels = np.zeros((4, 5, 6), np.float32)
    voxels[1, 2, 3] = value
    with pytest.raises(VolumeError, match=r"case mr_007.*expected whole labels from 0 to 65535"):
        read_labels(save(tmp_path / "label.nii.gz", voxels), case="mr_007")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "scan.nii.gz"
    write_volume(volume(GRIDS["RAS"], tissue), path)
    before = path.read_bytes()

    class Full:
        def compress(self, content):
            return b"half"

        def flush(self):
            raise OSError("disk full")

    monkeypatch.setattr(isal_zlib, "compressobj", lambda *arguments: Full())
    with pytest.raises(OSError, match="disk full"):
        write_volume(volume(GRIDS["RAS"], tissue), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_who_reads_the_old_file_while_it_is_replaced_reads_it_to_the_end(tmp_path):
    path = tmp_path / "scan.nii"
    write_volume(volume(GRIDS["RAS"], tissue), path)
    before = path.read_bytes()
    with path.open("rb") as reader:
        start = reader.read(100)
        write_volume(volume(GRIDS["LPS"], hounsfield), path)
        assert start + reader.read() == before
    assert path.read_bytes() != before


def test_only_nifti_names_are_written(tmp_path):
    with pytest.raises(ValueError, match=r"scan\.mha: expected a name ending in \.nii or \.nii\.gz"):
        write_volume(volume(GRIDS["RAS"], tissue), tmp_path / "scan.mha")
