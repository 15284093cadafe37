"""Damaged copies of the shared files through a whole import: a named reason, or a volume that lies right."""

import csv
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_toys import mr, toy_series
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from preprocessing.dicom.dataset import KEYWORDS, quiet
from preprocessing.dicom.errors import REASONS
from preprocessing.dicom.gaps import POSITION_TOLERANCE_MM
from preprocessing.grid import Grid
from preprocessing.importing.tree_import import TreeImport
from preprocessing.nifti import MAX_SPACING_MM, MIN_SPACING_MM, read_header

NAMED = {*REASONS, "unusable_volume"}
SLICES = 4
"""Of a large series only so many are damaged."""
SERIES = {
    "anatomical": "dicom2nifti/generic_anatomical/001",
    "implicit": "dicom2nifti/generic_anatomical/001_implicit",
    "oblong voxels": "dicom2nifti/generic_anatomical/002_non_isotropic",
    "JPEG 2000": "dicom2nifti/compressed_j2k/001",
    "tilted CT": "dcm_qa_ct/philips_tilt_minus18.5",
    "compressed CT": "totalsegmentator/example_ct_dicom",
}
FILES = {
    "enhanced": "dicom2nifti/siemens_multiframe/001/IM-0001-0001-0001.dcm",
    "12 bits": "dcm_qa_12bit/In/12bitSigned_0x0F0F.dcm",
    "big endian": "dcm_qa_ts/In/3.dcm",
    "run lengths": "dcm_qa_ts/In/4.dcm",
    "JPEG lossless": "dcm_qa_ts/In/5.dcm",
    "JPEG-LS": "dcm_qa_ts/In/7.dcm",
    "nifti": "totalsegmentator/example_ct_sm.nii.gz",
    "nrrd": "totalsegmentator/example_ct_sm.nii.gz",
    "mha": "totalsegmentator/example_ct_sm.nii.gz",
    "mhd": "totalsegmentator/example_ct_sm.nii.gz",
}
COPIES = [pytest.param(2, id="some"), pytest.param(100, id="many", marks=pytest.mark.slow)]
GEOMETRY = ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "Rows", "Columns")
NEEDED = (*GEOMETRY, "BitsAllocated", "BitsStored", "PixelRepresentation", "PixelData", "SeriesInstanceUID")
ABSURD = {
    "PixelSpacing": ([0, 0], [1e-7, 1e-7], [1e7, 1], [-1, 1], [1]),
    "ImagePositionPatient": ([1e9, 0, 0], [0, 0], []),
    "ImageOrientationPatient": ([0] * 6, [1, 0, 0, 1, 0, 0], [1, 0, 0]),
    "Rows": (0, 1, 65535),
    "Columns": (0, 1, 65535),
}


def cut(path, draw):
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content))])


def zeroed(path, draw):
    content = bytearray(path.read_bytes())
    start = draw.choice([0, draw.randrange(len(content))])
    content[start : start + 4096] = bytes(len(content[start : start + 4096]))
    path.write_bytes(content)


def swapped(path, draw):
    """Two blocks in each other's place, as a disk that is badly repaired has them."""
    content = bytearray(path.read_bytes())
    size = draw.choice([2, 64, 512])
    one, other = (draw.randrange(max(1, len(content) - size)) // size * size for _ in range(2))
    kept = content[one : one + size]
    content[one : one + size] = content[other : other + size]
    content[other : other + len(kept)] = kept
    path.write_bytes(content)


def wrong_length(path, draw):
    content = bytearray(path.read_bytes())
    start = draw.randrange(min(3000, len(content)) - 4)
    content[start : start + 4] = draw.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"])
    path.write_bytes(content)


def flipped(path, draw):
    content = bytearray(path.read_bytes())
    reach = draw.choice([400, 3000, len(content)])
    for _ in range(draw.choice([1, 10, 300])):
        content[draw.randrange(min(reach, len(content)))] = draw.randrange(256)
    path.write_bytes(content)


def without_tag(path, draw):
    with quiet():
        data = dcmread(path)
        name = draw.choice([name for name in NEEDED if name in data])
        del data[name]
        data.save_as(path)


def absurd_tag(path, draw):
    with quiet():
        data = dcmread(path)
        name = draw.choice(GEOMETRY)
        setattr(data, name, draw.choice(ABSURD[name]))
        data.save_as(path)


BYTES = (cut, zeroed, swapped, wrong_length, flipped)
TAGS = (without_tag, absurd_tag)


class Trial:
    """One import of damaged files, in a folder where nothing else may appear."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source, self.output = folder, folder / "in", folder / "out"
        self.rejected: list[dict[str, str]] = []
        self.rows: list[dict[str, str]] = []

    def run(self) -> None:
        before = {path: path.stat().st_mtime_ns for path in self.source.rglob("*")}
        TreeImport(source=self.source, output=self.output, workers=0).run()
        self.rows, self.rejected = self._table("series.csv"), self._table("rejected.csv")
        assert {path.name for path in self.folder.iterdir()} == {"in", "out"}
        assert {path: path.stat().st_mtime_ns for path in self.source.rglob("*")} == before
        assert {row["reason"] for row in self.rejected} <= NAMED
        assert all(row["message"].isprintable() for row in self.rejected)
        assert str(self.folder) not in str(self.rejected + self.rows)
        assert self.rows or self.rejected
        for grid in self.grids():
            assert min(grid.spacing) >= MIN_SPACING_MM
            assert max(grid.spacing) <= MAX_SPACING_MM

    def grids(self) -> list[Grid]:
        return [read_header(self.output / row["image"]).grid for row in self.rows]

    def voxels(self) -> int:
        return sum(int(np.prod(grid.size)) for grid in self.grids())

    def _table(self, name: str) -> list[dict[str, str]]:
        with (self.output / name).open(newline="") as stream:
            return list(csv.DictReader(stream))


def neighbours(folder: Path) -> list[Path]:
    """Slices that lie side by side."""
    paths = [path for path in folder.iterdir() if path.is_file()]
    with quiet():
        places = {path: dcmread(path, stop_before_pixels=True).ImagePositionPatient for path in paths}
    along = int(np.ptp(np.array(list(places.values()), dtype=float), axis=0).argmax())
    return sorted(paths, key=lambda path: float(places[path][along]))[:SLICES]


def lies_within(found: Grid, whole: Grid) -> bool:
    """Whether voxels are as large as those of the whole volume, turned like them, and none outside of it."""
    index = (found.corners() - whole.origin) @ np.reshape(whole.direction, (3, 3)) / whole.spacing
    # A tilted stack that has lost its first slice begins at another part of a pixel.
    slack = POSITION_TOLERANCE_MM / min(whole.spacing) + 1.0
    return (
        bool(np.abs(np.subtract(found.spacing, whole.spacing)).max() <= POSITION_TOLERANCE_MM)
        and bool(np.abs(np.subtract(found.direction, whole.direction)).max() <= 1e-4)
        and bool((index >= -slack).all() and (index <= np.array(whole.size) - 1 + slack).all())
    )


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("name", SERIES)
def test_a_series_with_one_damaged_file_lies_right_or_is_refused(name, copies, real_data, tmp_path):
    draw = random.Random(f"{name} 3")
    good = neighbours(real_data / SERIES[name])
    whole = Trial(tmp_path / "whole")
    _copy(good, whole.source)
    whole.run()
    (expected,) = whole.grids()
    for number in range(copies):
        trial = Trial(tmp_path / f"{number}")
        victim = draw.choice(_copy(good, trial.source))
        draw.choice(TAGS if draw.random() < 0.4 else BYTES)(victim, draw)
        trial.run()
        assert all(lies_within(grid, expected) for grid in trial.grids()), number
        shutil.rmtree(trial.folder)


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_a_volume_no_larger_or_is_refused(name, copies, real_data, tmp_path):
    draw = random.Random(f"{name} 3")
    whole = Trial(tmp_path / "whole")
    _volume(name, real_data / FILES[name], whole.source)
    whole.run()
    for number in range(copies):
        trial = Trial(tmp_path / f"{number}")
        victim = draw.choice(_volume(name, real_data / FILES[name], trial.source))
        draw.choice(BYTES)(victim, draw)
        trial.run()
        assert trial.voxels() <= whole.voxels()
        shutil.rmtree(trial.folder)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from([word for word in KEYWORDS if not word.endswith("Sequence")]),
    value=st.one_of(
        st.sampled_from([b"nan", b"inf\\-inf\\0", b"1e400", b"-0", b"0x10", b"one\\two\\three", b"\xff\xfe"]),
        st.binary(max_size=24),
        st.integers(2, 20_000).map(lambda count: b"\\".join([b"1"] * count)),
    ),
    everywhere=st.booleans(),
)
@example(name="RescaleSlope", value=b"1e38", everywhere=True)
@example(name="PixelSpacing", value=b"nan\\nan", everywhere=True)
@example(name="ImagePositionPatient", value=b"0\\0\\1e308", everywhere=False)
@example(name="SeriesNumber", value=b"9" * 5000, everywhere=True)
@example(name="NumberOfFrames", value=b"99999999", everywhere=True)
@example(name="PixelPaddingValue", value=b"\0\x80\0\x80", everywhere=True)
def test_any_value_of_any_tag_ends_in_a_reason_or_a_volume(name, value, everywhere, tmp_path_factory):
    trial = Trial(tmp_path_factory.mktemp("trial"))
    for number, path in enumerate(toy_series(trial.source, (0, 2, 4), **mr(EchoTime=3))):
        if everywhere or number == 1:
            with quiet():
                data = dcmread(path)
                tag = Tag(name)
                kind = data[tag].VR if tag in data else None
                even = value + b" " * (len(value) % 2)
                data._dict[tag] = RawDataElement(tag, kind or "LO", len(even), even, 0, False, True)
                data.save_as(path)
    trial.run()
    assert trial.voxels() <= 3 * 8 * 10
    shutil.rmtree(trial.folder)


def _copy(paths: list[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    return [Path(shutil.copy(path, folder)) for path in paths]


def _volume(name: str, path: Path, folder: Path) -> list[Path]:
    """A copy of a file; of a volume in another format, if its name is one."""
    folder.mkdir(parents=True)
    if name in ("nrrd", "mha", "mhd"):
        sitk.WriteImage(sitk.ReadImage(str(path)), str(folder / f"x.{name}"), useCompression=name == "nrrd")
        return sorted(folder.iterdir())
    return [Path(shutil.copy(path, folder))]
