"""NIfTI, NRRD and MetaImage volumes come through unchanged, or are refused: cut, flat, skewed, not finite."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from laws import GRIDS, volume

from preprocessing.grid import grid_of
from preprocessing.importing.plain_volume import PlainVolumeError, as_compact, read_plain_volume

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


def ramp(kind: int = sitk.sitkInt16) -> sitk.Image:
    return sitk.Cast(
        volume(GRIDS["oblique"], lambda where: np.rint(where @ np.array([1.0, 20.0, 3.0]))), kind
    )


def write(image: sitk.Image, path: Path, *, compressed: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), useCompression=compressed)
    return path


def data_file(path: Path) -> Path:
    """The file with the voxels: the largest one."""
    return max(path.parent.iterdir(), key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", [sitk.sitkInt16, sitk.sitkFloat32, sitk.sitkInt32, sitk.sitkFloat64])
def test_whole_numbers_come_through_as_16_bit_on_their_grid(tmp_path, ending, kind):
    expected = ramp()
    image = read_plain_volume(write(ramp(kind), tmp_path / f"x{ending}"), source=tmp_path)
    assert image.GetPixelID() == sitk.sitkInt16
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(expected))
    assert grid_of(image).difference(grid_of(expected)) == ""


@pytest.mark.parametrize("value", [0.5, 40000.0, -33000.0])
def test_other_numbers_stay_floats(value):
    image = sitk.Cast(ramp(), sitk.sitkFloat32)
    image[1, 1, 1] = value
    compact = as_compact(image)
    assert compact.GetPixelID() == sitk.sitkFloat32
    assert compact[1, 1, 1] == value


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("cut", [1, 0.5, 0.9])
def test_cut_file_is_refused(tmp_path, ending, compressed, cut):
    path = write(ramp(), tmp_path / f"x{ending}", compressed=compressed)
    victim = data_file(path)
    data = victim.read_bytes()
    victim.write_bytes(data[:-8] if cut == 1 else data[: int(len(data) * cut)])
    with pytest.raises(PlainVolumeError, match="expected"):
        read_plain_volume(path, source=tmp_path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_empty_file_and_text_are_refused(tmp_path, ending):
    for content in (b"", b"no volume at all\n" * 40):
        (tmp_path / f"x{ending}").write_bytes(content)
        with pytest.raises(PlainVolumeError, match="expected"):
            read_plain_volume(tmp_path / f"x{ending}", source=tmp_path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_what_is_no_scalar_volume_is_refused(tmp_path, ending):
    vector = sitk.Compose(ramp(), ramp())
    flat = ramp()[:, :, 0]
    series = sitk.JoinSeries([ramp(), ramp()])
    for number, image in enumerate((vector, flat, series)):
        with pytest.raises(PlainVolumeError, match="expected"):
            read_plain_volume(write(image, tmp_path / f"{number}{ending}"), source=tmp_path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_voxels_that_are_not_finite_are_refused(tmp_path, ending):
    image = sitk.Cast(ramp(), sitk.sitkFloat32)
    image[2, 2, 2] = float("nan")
    with pytest.raises(PlainVolumeError, match="finite"):
        read_plain_volume(write(image, tmp_path / f"x{ending}"), source=tmp_path)


@pytest.mark.parametrize("ending", [".nii", ".nhdr", ".mhd"])
@pytest.mark.parametrize("spacing", [(1e-4, 1, 1), (1, 1, 500)])
def test_absurd_spacing_is_refused(tmp_path, ending, spacing):
    image = ramp()
    image.SetSpacing(spacing)
    with pytest.raises(PlainVolumeError, match="mm"):
        read_plain_volume(write(image, tmp_path / f"x{ending}"), source=tmp_path)


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode()))
    return path


def plain_ramp() -> sitk.Image:
    image = ramp()
    image.SetDirection(np.eye(3).ravel())
    image.SetOrigin((0, 0, 0))
    return image


@pytest.mark.parametrize(
    ("ending", "old", "new", "said"),
    [
        (".nhdr", "space: left-posterior-superior", "space dimension: 3", "orientation"),
        (".nhdr", "space directions:", "#", "orientation"),
        (".nhdr", "data file: x.raw", "data file: ../x.raw", "outside"),
        (".nhdr", "data file: x.raw", "data file: /etc/passwd", "outside"),
        (".nhdr", "data file: x.raw", "data file: LIST", "list of files"),
        (".nhdr", "data file: x.raw", "data file: x%03d.raw 1 9 1", "list of files"),
        (".nhdr", "data file: x.raw", "data file: gone.raw", "data file"),
        (".nhdr", "data file: x.raw", "data file: x.raw\ndatafile: x.raw\ndata file: x.raw", "twice"),
        (".nhdr", "type: short", "type: block", "whole file"),
        (".nhdr", "sizes: ", "sizes: 99999", "every voxel"),
        (".mhd", "TransformMatrix", "Transformer", "orientation"),
        (".mhd", "ElementDataFile = x.raw", "ElementDataFile = ../x.raw", "outside"),
        (".mhd", "ElementDataFile = x.raw", "ElementDataFile = LIST\nx.raw", "list of files"),
        (".mhd", "ElementSpacing", "Spacing", "ElementSpacing"),
        (".mhd", "NDims = 3", "NDims = 4", "3 dimensions"),
        (".mhd", "DimSize = ", "DimSize = 99999", "every voxel"),
        (".mhd", "DimSize = ", "DimSize = many ", "sizes"),
        (".mhd", "BinaryData = True", "BinaryData = True\nDistanceUnits = cm", "millimetres"),
    ],
)
def test_header_that_cannot_be_trusted_is_refused(tmp_path, ending, old, new, said):
    path = write(plain_ramp(), tmp_path / "in" / f"x{ending}")
    (tmp_path / "x.raw").write_bytes((tmp_path / "in" / "x.raw").read_bytes())
    with pytest.raises(PlainVolumeError, match=said):
        read_plain_volume(edited(path, old, new), source=tmp_path / "in")


def test_sheared_nrrd_is_refused(tmp_path):
    path = write(plain_ramp(), tmp_path / "x.nhdr")
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("space directions:"))
    path.write_text(text.replace(line, "space directions: (1,0,0) (0.1,1,0) (0,0,1)"))
    with pytest.raises(PlainVolumeError, match="right angles"):
        read_plain_volume(path, source=tmp_path)


def test_data_file_that_is_a_link_out_of_the_tree_is_refused(tmp_path):
    path = write(plain_ramp(), tmp_path / "in" / "x.mhd")
    (tmp_path / "in" / "x.raw").rename(tmp_path / "x.raw")
    (tmp_path / "in" / "x.raw").symlink_to(tmp_path / "x.raw")
    with pytest.raises(PlainVolumeError, match="outside"):
        read_plain_volume(path, source=tmp_path / "in")
