"""The steps against the truth that only the phantom knows: its bias field, its body, its pose."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from laws import array
from scipy import ndimage

from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.body_mask import BodyMask
from preprocessing.cohort import read_cohort
from preprocessing.grid import grid_of, place
from preprocessing.orientation import CanonicalOrientation
from preprocessing.phantom.cohort import write_phantom_cohort
from preprocessing.preparation import CohortPreparation
from preprocessing.provenance import read_provenance
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import Scan
from preprocessing.volume import read_labels, read_volume
from preprocessing.window import FixedWindow, PercentileWindow

RESIDUAL_SHARE = 0.3
"""Share of the true field's RMS that N4 may leave in any patient."""
LEAST_DICE = 0.99
"""Overlap of the body mask with what is denser than air in the noise-free CT of the same patient."""
SPURIOUS = 0.01
"""RMS change of an MR without shading."""
AIR_HU = -300.0
BOX = {"spacing": (5.0, 4.0, 5.0), "size": (64, 19, 64)}


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom_cohort(folder, mr=1, ct=0, pairs=1, seed=7, shift=1.0, progress=False)
    return folder


@pytest.fixture(scope="module")
def corrected(phantom):
    """Every MR with its mask, before and after N4."""
    masked = {
        case.case: BodyMask()(Scan(image=read_volume(case.image)))
        for case in read_cohort(phantom).select(domain="mr")
    }
    assert len(masked) == 2
    return {name: (scan, N4BiasFieldCorrection()(scan)) for name, scan in masked.items()}


def truth(phantom, name, kind):
    return array(read_volume(phantom / "truth" / f"{name}_{kind}.nii.gz"))


def test_the_mask_of_an_mr_is_the_body_of_its_true_ct(phantom, corrected):
    for name, (scan, _) in corrected.items():
        mask = array(scan.mask) > 0
        body = ndimage.binary_fill_holes(truth(phantom, name, "ct") > AIR_HU)
        assert 2 * (mask & body).sum() / (mask.sum() + body.sum()) > LEAST_DICE, name


def test_n4_takes_most_of_the_true_field_away(phantom, corrected):
    for name, (before, after) in corrected.items():
        body = ndimage.binary_fill_holes(truth(phantom, name, "ct") > AIR_HU)
        left, true = residual(before, after, body, np.log(truth(phantom, name, "bias")))
        assert true > 0.05
        assert left < RESIDUAL_SHARE * true, name


def test_n4_leaves_an_unshaded_mr_as_it_is(phantom, corrected):
    rng = np.random.default_rng(0)
    for name, (shaded, _) in corrected.items():
        image = read_volume(phantom / "truth" / f"{name}_mr.nii.gz")
        noise = 2.2 * rng.standard_normal((2, *image.GetSize()[::-1]))
        noisy = np.hypot(sitk.GetArrayFromImage(image) + noise[0], noise[1]).astype(np.float32)
        clean = sitk.GetImageFromArray(noisy)
        place(clean, grid_of(image))
        before = replace(shaded, image=clean)
        body = ndimage.binary_fill_holes(truth(phantom, name, "ct") > AIR_HU)
        change, _ = residual(before, N4BiasFieldCorrection()(before), body, np.zeros(body.shape))
        assert change < SPURIOUS, name


def residual(before, after, body, log_field):
    """Standard deviations in the body of (found - true) log field, and of the true one."""
    inside = body & (array(before.image) > 0)
    found = np.log(array(before.image)[inside] / array(after.image)[inside])
    return (found - log_field[inside]).std(), log_field[inside].std()


def test_muscle_gets_one_brightness(phantom, corrected):
    """What the correction is for: the spread of one tissue's intensities falls."""
    for name, (before, after) in corrected.items():
        ct = truth(phantom, name, "ct")
        muscle = ndimage.binary_erosion((ct > 30) & (ct < 80))
        assert muscle.sum() > 1000
        spread = [
            np.std(array(scan.image)[muscle]) / np.mean(array(scan.image)[muscle]) for scan in (before, after)
        ]
        assert spread[1] < 0.9 * spread[0], name


def test_a_pair_stays_a_pair(phantom, tmp_path):
    steps = {
        "mr": [CanonicalOrientation(), BodyMask(), ToReferenceGrid(**BOX, outside=0.0), PercentileWindow()],
        "ct": [
            CanonicalOrientation(),
            BodyMask(threshold=AIR_HU),
            ToReferenceGrid(**BOX, outside=-1000.0),
            FixedWindow(low=-150, high=350, unit="HU"),
        ],
    }
    report = CohortPreparation(cohort=phantom, output=tmp_path, steps=steps, fixed="mr").run()
    assert report.failed == ()
    cohort = read_cohort(tmp_path)
    pairs = [(case, cohort.partner(case)) for case in cohort.select(domain="mr") if cohort.partner(case)]
    assert len(pairs) == 1
    for fixed, moving in pairs:
        assert grid_of(read_volume(fixed.image)).difference(grid_of(read_volume(moving.image))) == ""
        bodies = [array(read_labels(case.mask)) > 0 for case in (fixed, moving)]
        assert 2 * (bodies[0] & bodies[1]).sum() / (bodies[0].sum() + bodies[1].sum()) > LEAST_DICE
        assert read_provenance(tmp_path / f"{moving.case}.json").window.unit == "HU"
