"""Damaged copies of real series end in a refusal, or in a volume whose slices still lie where they did."""

import random

import pytest
from laws import array

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.gaps import POSITION_TOLERANCE_MM
from preprocessing.dicom.read import read_series
from preprocessing.grid import grid_of

SERIES = [
    "dicom2nifti/generic_anatomical/001",
    "dicom2nifti/generic_anatomical/001_implicit",
    "dicom2nifti/generic_anatomical/002_non_isotropic",
    "dicom2nifti/compressed_j2k/001",
]
SINGLE_FILES = [
    "dicom2nifti/siemens_multiframe/001/IM-0001-0001-0001.dcm",
    *[f"dcm_qa_ts/In/{number}.dcm" for number in (3, 4, 5, 7, 9)],
]
PREAMBLE = 132
HEADER = 4000
"""Damage to the first bytes changes tags, damage behind them mostly pixels."""
SEED = 20


def flipped(content, draw):
    """Some bytes changed."""
    end = draw.choice([HEADER, len(content)])
    for _ in range(draw.choice([1, 3, 30])):
        content[draw.randrange(PREAMBLE, min(end, len(content)))] = draw.randrange(256)
    return content


def cut(content, draw):
    """The end lost."""
    return content[: draw.randrange(len(content))]


def emptied(content, draw):
    """A stretch of zeros, as a failing disk leaves it."""
    start = draw.randrange(PREAMBLE, len(content))
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    return content


def wrong_length(content, draw):
    """A length field that promises too much, or nothing."""
    start = draw.randrange(PREAMBLE, min(HEADER, len(content)) - 4)
    content[start : start + 4] = draw.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"])
    return content


DAMAGES = (flipped, cut, emptied, wrong_length)
COPIES = [pytest.param(3, id="some"), pytest.param(100, id="many", marks=pytest.mark.slow)]


def damaged(path, folder, draw):
    """A copy of a file, damaged in one way."""
    content = bytearray(path.read_bytes())
    copy = folder / path.name
    copy.write_bytes(draw.choice(DAMAGES)(content, draw))
    return copy


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("name", SERIES)
def test_one_damaged_file_of_a_series_moves_no_slice(name, copies, real_data, tmp_path):
    draw = random.Random(f"{SEED} {name}")
    paths = sorted((real_data / name).iterdir())
    whole = grid_of(read_series(paths).image)
    refused = 0
    for _ in range(copies):
        victim = draw.randrange(len(paths))
        mixed = [*paths[:victim], damaged(paths[victim], tmp_path, draw), *paths[victim + 1 :]]
        try:
            volume = read_series(mixed)
        except DicomError:
            refused += 1
            continue
        found = grid_of(volume.image)
        assert found.size == whole.size
        assert abs(found.corners() - whole.corners()).max() <= POSITION_TOLERANCE_MM
    assert refused >= copies // 20


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("name", SINGLE_FILES)
def test_a_damaged_file_is_refused_or_read(name, copies, real_data, tmp_path):
    draw = random.Random(f"{SEED} {name}")
    whole = array(read_series(real_data / name).image)
    for _ in range(copies):
        copy = damaged(real_data / name, tmp_path, draw)
        try:
            found = array(read_series(copy).image)
        except DicomError:
            continue
        assert found.size <= whole.size
