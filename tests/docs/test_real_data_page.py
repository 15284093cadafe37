"""The page of real scans is made by a script that runs, whose comparison can fail."""

import os
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

TOY = ("dicom2nifti", "dcm_qa_12bit")
"""Small parts of the data: every kind of reference, a refusal and a repair."""


@pytest.fixture
def comparison(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "docs" / "scripts"))
    import volume_comparison

    return volume_comparison


def volume(values, shift=0.0, shear=0.0):
    affine = np.diag([-2.0, 2.0, 3.0, 1.0])
    affine[0, 3], affine[1, 2] = shift, shear
    return nib.Nifti1Image(values, affine)


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(0, 100, (12, 11, 10)).round().astype(np.float32)


def test_a_volume_in_another_storage_order_is_the_same(comparison, values):
    turned = nib.as_closest_canonical(volume(values))
    found = comparison.compare(volume(values), turned)
    assert found.right
    assert (found.corners_mm, found.voxels, found.share) == (0, 0, 0)


@pytest.mark.parametrize("resampled", [False, True])
def test_a_shift_another_size_or_a_few_other_voxels_are_not_right(comparison, values, resampled):
    def right(other):
        return comparison.compare(other, volume(values), resampled=resampled).right

    assert not right(volume(values, shift=0.002))
    assert not right(volume(values[1:]))
    other = values.copy()
    other[5, 3:6, 5] += 2
    assert not right(volume(other))


def test_only_resampled_volumes_may_round_and_differ_at_the_edge(comparison, values):
    other = values + np.random.default_rng(2).integers(-1, 2, values.shape)
    other[:, 0] += 500
    for resampled in (False, True):
        assert comparison.compare(volume(other), volume(values), resampled=resampled).right == resampled


def test_axes_that_are_not_square_may_be_made_so_and_no_more(comparison, values):
    skewed = volume(values, shear=0.01)
    squared = nib.Nifti1Image(values, comparison.squared(skewed.affine))
    found = comparison.compare(squared, skewed)
    assert found.squared
    assert found.right
    further = squared.affine.copy()
    further[2, 3] += 1
    assert not comparison.compare(nib.Nifti1Image(values, further), skewed).right


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_script_runs_on_a_part_of_the_data(repository, real_data, tmp_path):
    for name in TOY:
        if not (real_data / name).is_dir():
            pytest.skip(f"no {name} in {real_data}: set CYCLEVOX_DATA to a folder that holds it")
        shutil.copytree(real_data / name, tmp_path / "data" / name)
    script = repository / "docs" / "scripts" / "real_data_page.py"
    folders = ["--work", str(tmp_path / "work"), "--docs", str(tmp_path / "docs")]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "data"), *folders],
        env={**os.environ, "PYTHONPATH": str(repository), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "docs" / "results" / "real_data.md").read_text(encoding="utf-8")
    assert "Every volume and every refusal is right." in page
    assert "| expected refusal |" in page
    assert "**wrong**" not in page
    assert (tmp_path / "docs" / "images" / "real_data.png").is_file()


def test_the_page_that_stands_says_that_all_is_right(repository):
    page = (repository / "docs" / "results" / "real_data.md").read_text(encoding="utf-8")
    assert "Every volume and every refusal is right." in page
    assert "**wrong**" not in page
    assert (repository / "docs" / "images" / "real_data.png").stat().st_size < 300_000
