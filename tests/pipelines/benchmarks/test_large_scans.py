"""Scans for measuring memory are hips, as the steps that are measured expect them."""

import numpy as np
import pytest
import SimpleITK as sitk

from pipelines.benchmarks.large_scans import LENGTH, write_large_scan
from preprocessing.volume import read_volume


@pytest.mark.parametrize(
    ("domain", "air", "tissue"), [("ct", (-1000, -900), (-150, 150)), ("mr", (0, 10), (20, 120))]
)
def test_a_large_scan_has_the_size_that_was_asked_for_with_air_around_a_body(domain, air, tissue, tmp_path):
    path = write_large_scan(domain, tmp_path / "x.nii.gz", slices=10, side=32, seed=1)
    image = read_volume(path)
    assert image.GetSize() == (32, 32, 10)
    assert image.GetSpacing()[2] == pytest.approx(LENGTH / 10)
    voxels = sitk.GetArrayFromImage(image)
    assert air[0] <= np.median(voxels[:, :2, :2]) <= air[1]
    assert tissue[0] <= np.median(voxels[4:6, 13:19, 8:24]) <= tissue[1]
    np.testing.assert_array_equal(voxels, np.rint(voxels))
