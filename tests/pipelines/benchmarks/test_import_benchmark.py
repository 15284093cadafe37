"""What is timed is the same work: both sides give the same voxels at the same places."""

import pytest

from pipelines.benchmarks.ct_series import write_series
from pipelines.benchmarks.dicom_import import measure_import
from preprocessing.dicom.read import read_series


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return measure_import(tmp_path_factory.mktemp("import"), slices=3, side=32, repeats=1)


def test_simpleitk_is_met_once_and_dcm2niix_without_and_with_compression(rows):
    against = [row.name.split("32 x 32, ")[1] for row in rows]
    assert against == [
        "uncompressed, against SimpleITK",
        "uncompressed, against dcm2niix",
        "gzip, its level 1, against dcm2niix",
    ]


def test_both_sides_agree_to_the_voxel(rows):
    for row in rows:
        assert row.agreement.startswith("voxels differ by at most 0, corners by "), row
        assert float(row.agreement.split("corners by ")[1].split(" mm")[0]) < 1e-3
        assert row.seconds > 0
        assert row.baseline_seconds > 0


def test_the_series_is_a_ct_in_hounsfield_units_with_the_noise_that_scanners_have(tmp_path):
    volume = read_series(write_series(tmp_path, slices=4, side=64))
    assert volume.grid.size == (64, 64, 4)
    middle = volume.voxels[:, 28:36, 28:36]
    assert abs(middle.mean() - 40) < 5
    assert 15 < middle.std() < 25
    assert volume.voxels.min() >= -1024
