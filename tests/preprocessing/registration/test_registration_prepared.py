"""A candidate that `prepare` registers: grid, pair, coverage and a transform that can be applied again."""

from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk
from laws import array
from registration_toys import Motion, distances

from preprocessing.body_mask import BodyMask
from preprocessing.cohort import Case, read_cohort, write_cohort
from preprocessing.grid import grid_of
from preprocessing.orientation import CanonicalOrientation
from preprocessing.preparation import CohortPreparation
from preprocessing.provenance import read_provenance
from preprocessing.registration.transform_io import read_transform
from preprocessing.volume import read_labels, read_volume, write_volume
from preprocessing.window import FixedWindow

CENTRE = np.array([12.0, -7.0, 31.0])
SPACING = 5.0
CT = np.array([-1000.0, 50.0, -90.0, 30.0, 500.0])
MOTION = Motion(degrees=(6.0, -4.0, 8.0), shift=(14.0, -9.0, 17.0), centre=CENTRE)
AIR_HU = -1000.0
STEPS = {
    "mr": [CanonicalOrientation(), BodyMask()],
    "ct": [
        CanonicalOrientation(),
        BodyMask(threshold=-300),
        FixedWindow(low=-150, high=350, unit="HU"),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What stands where after the preparation."""

    source: object
    out: object
    report: object
    run: object


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, mr, make_scan, registration):
    """An MR, and the CT of the same patient who lay otherwise and was scanned from the waist up only."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("prepared") / "out"
    ct = make_scan(CT, size=(44, 40, 34), shift=(14.0, -9.0, 42.0), motion=MOTION.back)
    write_volume(mr.image, source / "mr.nii.gz")
    write_volume(ct.image, source / "ct.nii.gz")
    write_volume(ct.label, source / "ct_label.nii.gz")
    common = {"patient": "p", "mask": None, "pair": None, "split": "test"}
    fixed = Case(case="mr", domain="mr", image=source / "mr.nii.gz", label=None, candidate="ct", **common)
    moving = Case(
        case="ct",
        domain="ct",
        image=source / "ct.nii.gz",
        label=source / "ct_label.nii.gz",
        candidate="mr",
        **common,
    )
    write_cohort(source / "cohort.csv", [fixed, moving])

    def run():
        return CohortPreparation(
            cohort=source, output=out, steps=STEPS, fixed="mr", registration=registration
        ).run()

    return Prepared(source=source, out=out, report=run(), run=run)


def test_the_transform_beside_the_volume_brings_the_source_there_again(prepared):
    transform = read_transform(prepared.out / "ct_transform.tfm")
    source, moved = read_volume(prepared.source / "ct.nii.gz"), read_volume(prepared.out / "ct.nii.gz")
    again = sitk.Resample(source, moved, transform, sitk.sitkLinear, AIR_HU)
    assert np.abs(array(again) - array(moved)).max() < 0.1
    label = sitk.Resample(
        read_labels(prepared.source / "ct_label.nii.gz"), moved, transform, sitk.sitkNearestNeighbor, 0
    )
    there = read_labels(prepared.out / "ct_label.nii.gz")
    assert (array(label) != array(there)).mean() < 1e-3
    assert array(there).max() > 1


def test_it_is_the_patients_motion(prepared, mr):
    index = np.argwhere(array(mr.mask) > 0)[::211]
    inside = np.array([mr.image.TransformIndexToPhysicalPoint(i) for i in index.tolist()])
    transform = read_transform(prepared.out / "ct_transform.tfm")
    assert np.median(distances(transform, inside, MOTION(inside))) < SPACING / 10


def test_coverage_is_where_the_source_reaches_and_air_beyond(prepared):
    transform = read_transform(prepared.out / "ct_transform.tfm")
    source, moved = read_volume(prepared.source / "ct.nii.gz"), read_volume(prepared.out / "ct.nii.gz")
    assert grid_of(moved).difference(grid_of(read_volume(prepared.out / "mr.nii.gz"))) == ""
    covered = array(read_labels(prepared.out / "ct_coverage.nii.gz")) > 0
    assert 0.3 < covered.mean() < 0.9
    assert set(array(moved)[~covered].tolist()) == {AIR_HU}
    ones = sitk.Image(source.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(source)
    reached = sitk.Resample(ones, moved, transform, sitk.sitkNearestNeighbor, 0)
    assert ((array(reached) > 0) != covered).mean() < 1e-3


def test_it_is_a_pair_in_the_table_and_nothing_is_done_twice(prepared):
    (pair,) = prepared.report.pairs
    assert (pair.case, pair.fixed, pair.verdict) == ("ct", "mr", "accept"), pair.reasons
    cohort = read_cohort(prepared.out)
    assert (cohort["ct"].pair, cohort["mr"].pair) == ("mr", "ct")
    record = read_provenance(prepared.out / "ct.json")
    assert set(record.outputs) == {"image", "mask", "label", "coverage", "transform"}
    assert prepared.run().unchanged == ("mr", "ct")
    (prepared.out / "ct_transform.tfm").write_text("")
    assert prepared.run().prepared == ("ct",)
