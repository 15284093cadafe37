"""Slices are the right ones of every plane however a file is stored; unreadable volumes are all named."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import torch
from laws import CENTRE_LPS, GRIDS, MARKER_LPS, array, stored_as, volume

from pipelines.data.slices import SlicePair, UnpairedSliceDataset, load_volumes
from pipelines.data.volume_transforms import volume_transforms
from preprocessing.volume import VolumeError, write_volume

WINDOW = {"low": -200.0, "high": 400.0, "unit": "HU"}
TURN = (12, -8, 20)
STORED = {
    "RAS": GRIDS["RAS"],
    "LAS": GRIDS["LAS"],
    "LPS": GRIDS["LPS"],
    "coronal": GRIDS["coronal"],
    "oblique": GRIDS["oblique"],
}


def anatomy(where: np.ndarray) -> np.ndarray:
    """Differs along every axis, with a bump on the patient's right: no flip or swap leaves it as it is."""
    bump = 150 * np.exp(-((where - np.array(MARKER_LPS)) ** 2).sum(axis=-1) / 600)
    return (where - np.array(CENTRE_LPS)) @ np.array([0.7, 1.1, 1.9]) + bump


def item(path) -> dict:
    return {"image": str(path), "case": path.name.removesuffix(".nii.gz"), "window": WINDOW}


def inner(padded: torch.Tensor, size: tuple[int, ...]) -> np.ndarray:
    """The slice without the border that makes its sides multiples of 4."""
    starts = [(side - count) // 2 for side, count in zip(padded.shape[1:], size, strict=True)]
    rows, columns = (slice(start, start + count) for start, count in zip(starts, size, strict=True))
    return padded[0, rows, columns].numpy()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    for name, grid in STORED.items():
        write_volume(volume(grid, anatomy), folder / f"{name}.nii.gz")
    return folder


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize(("plane", "axis"), [("sagittal", 0), ("coronal", 1), ("axial", 2)])
def test_slice_k_is_the_same_anatomy_however_stored(files, stored, plane, axis):
    canonical = stored_as("RAS", turned_degrees=TURN if stored == "oblique" else (0, 0, 0))
    expected = np.clip(array(volume(canonical, anatomy)) / 300 - 1 / 3, -1, 1)
    items = [item(files / f"{stored}.nii.gz")]
    slices = UnpairedSliceDataset(
        data={"a": items, "b": items},
        transform=volume_transforms(plane=plane),
        plane=plane,
        spacing=canonical.spacing,
    )
    assert slices.slice_counts("a") == slices.slice_counts("b") == [canonical.size[axis]]
    for k in (0, 3, canonical.size[axis] - 1):
        sample = slices[SlicePair(0, k, 0, canonical.size[axis] - 1 - k)]
        for side, index in (("a", k), ("b", canonical.size[axis] - 1 - k)):
            wanted = np.take(expected, index, axis=axis)
            np.testing.assert_allclose(inner(sample[side], wanted.shape), wanted, atol=1e-5)
            assert all(edge % 4 == 0 for edge in sample[side].shape[1:])


def test_a_slice_can_be_changed_without_changing_the_volume(files):
    items = [item(files / "RAS.nii.gz")]
    slices = UnpairedSliceDataset(
        data={"a": items, "b": items}, transform=volume_transforms(), plane="coronal", spacing=(5, 6, 4)
    )
    index = SlicePair(0, 2, 0, 2)
    before = slices[index]["a"].clone()
    slices[index]["a"].fill_(7)
    assert torch.equal(slices[index]["a"], before)


def test_every_bad_volume_is_named_at_once(files, tmp_path):
    whole = array(volume(STORED["RAS"], anatomy))
    whole[2, 3, 4] = np.nan
    affine = np.diag([5.0, 6.0, 4.0, 1.0])
    nib.save(nib.Nifti1Image(whole.astype(np.float32), affine), tmp_path / "holes.nii.gz")
    content = gzip.decompress((files / "LAS.nii.gz").read_bytes())
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(content[: len(content) // 2]))
    bad = [item(tmp_path / f"{name}.nii.gz") for name in ("holes", "cut", "absent")]
    good = [item(files / "RAS.nii.gz")]
    with pytest.raises(VolumeError) as fault:
        load_volumes([good[0], bad[0], good[0], *bad[1:]], transform=volume_transforms())
    lines = str(fault.value).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["case holes", "case cut", "case absent"]
    assert all(entry["image"] in line for entry, line in zip(bad, lines, strict=True))
    assert "1 of 10472 voxels NaN or infinite" in lines[0]
    assert "cut or damaged" in lines[1]
    assert "correct the path" in lines[2]
