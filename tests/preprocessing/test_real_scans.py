"""Scans from real scanners go through, and come back to where they were."""

import nibabel as nib
import numpy as np
import pytest
from laws import SAME_PLACE_MM, array

from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.body_mask import BodyMask
from preprocessing.case_preparation import prepare_scan
from preprocessing.grid import grid_of
from preprocessing.orientation import CanonicalOrientation
from preprocessing.reslice import ToReferenceGrid
from preprocessing.return_to_source import return_to_source
from preprocessing.scan import Scan
from preprocessing.volume import read_labels, read_volume

MR = [
    "open_ms/patient01/study1_T1W.nii.gz",
    "open_ms/patient03/study2_T2W.nii.gz",
    "totalsegmentator/example_mr_sm.nii.gz",
    "volume_rendering_stroke/T1.nii.gz",
]
CT = ["totalsegmentator/example_ct.nii.gz", "totalsegmentator/example_ct_sm.nii.gz"]
CODES = {"PIL", "LAS", "LPS", "RAS"}
"""Storage orders among the real files, so that a change of the data does not empty the test."""


def test_every_file_is_read_as_nibabel_reads_it(real_data):
    codes = set()
    for path in sorted(real_data.rglob("*.nii.gz")):
        image, stored = read_volume(path), nib.load(path)
        np.testing.assert_array_equal(array(image), stored.get_fdata(dtype=np.float32), err_msg=str(path))
        corners = nib.affines.apply_affine(stored.affine, [[0, 0, 0], np.array(stored.shape[:3]) - 1])
        found = grid_of(image).corners()[[0, -1]] * [-1, -1, 1]
        np.testing.assert_allclose(found, corners, atol=10 * SAME_PLACE_MM, err_msg=str(path))
        codes.add("".join(nib.aff2axcodes(stored.affine)))
    assert codes >= CODES


@pytest.mark.parametrize("name", MR)
def test_an_mr_gets_a_mask_and_a_converged_field(name, real_data):
    scan = Scan(image=read_volume(real_data / name))
    result = prepare_scan(scan, [CanonicalOrientation(), BodyMask(), N4BiasFieldCorrection()])
    mask = array(result.mask) > 0
    assert 0.2 < mask.mean() < 0.9
    bright = array(result.image) > np.percentile(array(result.image), 90)
    assert mask[bright].mean() > 0.99
    assert result.notes["N4BiasFieldCorrection"]["log_field_sd"] < 0.3
    assert result.warnings == ()


def test_the_body_mask_of_a_ct_holds_every_labelled_organ_and_no_table(real_data):
    scan = Scan(image=read_volume(real_data / CT[1]))
    mask = array(BodyMask(threshold=-300)(scan).mask) > 0
    dense = array(scan.image) > -300
    organs = array(read_labels(real_data / "totalsegmentator/example_seg.nii.gz")) > 0
    assert mask[organs].mean() > 0.999
    # Axis 1 runs from back to front, and the table lies behind the back.
    table = np.argwhere(dense & ~mask)[:, 1]
    assert len(table) > 1000
    assert np.median(table) < np.argwhere(mask)[:, 1].min() + 5


@pytest.mark.parametrize("name", MR + CT)
def test_what_was_prepared_comes_back_to_its_place(name, real_data):
    source = read_volume(real_data / name)
    box = ToReferenceGrid(spacing=(2.0, 2.0, 2.0), size=(128, 128, 96), outside=float(array(source).min()))
    there = prepare_scan(Scan(image=source), [CanonicalOrientation(), box]).image
    back = return_to_source(there, source=source, outside=float(array(source).min()))
    assert grid_of(back) == grid_of(source)
    reached = array(return_to_source(there * 0 + 1, source=source, outside=0)) > 0
    assert reached.mean() > 0.3
    correlation = np.corrcoef(array(back)[reached], array(source)[reached])[0, 1]
    assert correlation > 0.95
