"""What holds for every registration: identity, inverse, equivariance, every grid; the file says it all."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from laws import array
from registration_toys import Motion, distances, moved_points

from preprocessing.grid import grid_of
from preprocessing.registration.deformable import BSplineStage
from preprocessing.registration.error import RegistrationError
from preprocessing.registration.lattice import lattice_over
from preprocessing.registration.transform_io import read_transform, write_transform
from preprocessing.registration.warp import warped
from preprocessing.scan import PairStep, Scan

CENTRE = np.array([12.0, -7.0, 31.0])
SPACING = 5.0
MR = np.array([2.0, 45.0, 90.0, 70.0, 20.0])
CT = np.array([-1000.0, 50.0, -90.0, 30.0, 500.0])
MOTION = Motion(degrees=(6.0, -4.0, 8.0), shift=(14.0, -9.0, 17.0), centre=CENTRE)
"""From points of the fixed scanner to points of the moving one."""
TENTH_OF_VOXEL = SPACING / 10
QUARTER_VOXEL = SPACING / 4


@pytest.fixture(scope="module")
def make(request):
    """The patient on any grid."""
    return request.getfixturevalue("make_scan")


@pytest.fixture(scope="module")
def ct(make):
    """The patient as CT, moved, with a larger field of view."""
    return make(CT, size=(44, 40, 52), motion=MOTION.back)


@pytest.fixture(scope="module")
def aligned(registration, mr, ct):
    """Rigid registration of the two."""
    return registration.align(ct, mr)


@pytest.fixture(scope="module")
def inside(mr):
    """Some places in the body, LPS mm."""
    index = np.argwhere(array(mr.mask) > 0)[::211]
    return np.array([mr.image.TransformIndexToPhysicalPoint(i) for i in index.tolist()])


def test_it_is_a_pair_step(registration):
    assert isinstance(registration, PairStep)


def test_a_scan_lies_on_itself(registration, mr, inside):
    alignment = registration.align(mr, mr)
    assert np.abs(moved_points(alignment.transform, inside) - inside).max() < TENTH_OF_VOXEL
    assert alignment.record["verdict"] == "accept"
    information = alignment.record["mutual_information"]
    assert information["rigid"] == pytest.approx(information["identity"], rel=0.02)
    assert array(alignment.scan.coverage).mean() > 0.9


def test_a_scan_on_itself_keeps_its_rigid_motion_when_it_may_bend(registration, mr):
    record = replace(registration, deformable=BSplineStage()).align(mr, mr).record
    assert record["stages"] == ["moments", "rigid"]
    assert "mutual information" in record["dropped"]["b-spline"]


def test_a_known_motion_is_found_across_modalities(aligned, inside):
    assert np.linalg.norm(MOTION(inside) - inside, axis=1).min() > 3 * SPACING
    assert np.median(distances(aligned.transform, inside, MOTION(inside))) < TENTH_OF_VOXEL
    assert aligned.record["verdict"] == "accept", aligned.record["reasons"]


def test_there_and_back_is_nowhere(registration, mr, ct, aligned, inside):
    back = registration.align(mr, ct)
    there = moved_points(aligned.transform, inside)
    assert np.median(distances(back.transform, there, inside)) < QUARTER_VOXEL


def test_moving_both_scanners_moves_the_result(registration, mr, ct, aligned, inside):
    """x -> g t(g^-1 x), for a motion g of everything."""
    g = Motion(degrees=(10.0, 15.0, -12.0), shift=(80.0, 40.0, -60.0), centre=CENTRE)
    pair = [Scan(image=g.move(scan.image), mask=g.move(scan.mask)) for scan in (ct, mr)]
    moved = registration.align(*pair)
    truth = g(moved_points(aligned.transform, inside))
    assert np.median(distances(moved.transform, g(inside), truth)) < TENTH_OF_VOXEL


@pytest.mark.parametrize(
    ("axes", "angles"),
    [("RAS", (0, 0, 0)), ("LAS", (0, 0, 0)), ("LPS", (0, 0, 0)), ("PIR", (12, -8, 20))],
)
def test_the_stored_order_of_either_scan_does_not_matter(registration, make, inside, axes, angles):
    fixed = make(MR, axes=axes, angles=angles, size=(42, 42, 42))
    moving = make(CT, axes="ASL", angles=angles, size=(48, 52, 44), motion=MOTION.back)
    alignment = registration.align(moving, fixed)
    assert np.median(distances(alignment.transform, inside, MOTION(inside))) < QUARTER_VOXEL
    assert not grid_of(alignment.scan.image).difference(grid_of(fixed.image))
    same = array(alignment.scan.label) == array(fixed.label)
    assert same[array(fixed.mask) > 0].mean() > 0.9


def test_parts_come_along_and_outside_is_air(registration, mr, make):
    # The moving scanner sees the left half of the body only.
    moving = make(CT, size=(20, 40, 52), shift=(45.0, 0.0, 0.0))
    moving = replace(moving, landmarks={"here": (30.0, -7.0, 31.0)})
    scan = registration.register(moving, mr)
    covered = array(scan.coverage) > 0
    assert not grid_of(scan.image).difference(grid_of(mr.image))
    assert 0.2 < covered.mean() < 0.7
    assert (array(scan.image)[~covered] == -1000).all()
    assert (array(scan.mask)[~covered] == 0).all()
    assert set(np.unique(array(scan.label))) <= set(range(5))
    assert np.linalg.norm(np.subtract(scan.landmarks["here"], (30.0, -7.0, 31.0))) < QUARTER_VOXEL
    assert scan.notes["registration"]["verdict"] == "review"
    assert any("compared" in reason for reason in scan.notes["registration"]["reasons"])


def test_coverage_of_the_moving_scan_is_respected(registration, mr, ct):
    part = sitk.Image(ct.image.GetSize(), sitk.sitkUInt8)
    part.CopyInformation(ct.image)
    part[:, :, :26] = 1
    whole = registration.register(ct, mr)
    scan = registration.register(replace(ct, coverage=part), mr)
    assert (array(scan.coverage) <= array(whole.coverage)).all()
    assert 0.2 < array(scan.coverage).sum() / array(whole.coverage).sum() < 0.8


@pytest.mark.parametrize("ending", [".tfm", ".h5"])
def test_the_file_alone_reproduces_the_volume(mr, ct, aligned, tmp_path, ending):
    lattice = lattice_over(mr.image, spacing=60.0)
    count = 3 * int(np.prod(lattice.shape))
    bent = lattice.filled(np.random.default_rng(3).normal(scale=4.0, size=count))
    transform = sitk.CompositeTransform([aligned.transform, bent])
    scan = warped(ct, mr.image, transform, outside=-1000.0, anti_aliasing=False)
    path = tmp_path / f"there{ending}"
    write_transform(transform, path)
    again = sitk.Resample(ct.image, mr.image, read_transform(path), sitk.sitkLinear, -1000.0)
    np.testing.assert_allclose(array(again), array(scan.image), atol=1e-2)
    assert np.abs(array(again) - array(aligned.scan.image)).max() > 100
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_damaged_transform_is_refused_by_name(tmp_path):
    path = tmp_path / "there.tfm"
    path.write_text("no transform")
    with pytest.raises(RegistrationError, match=r"there\.tfm"):
        read_transform(path)
    with pytest.raises(RegistrationError, match=r"\.tfm or \.h5"):
        write_transform(sitk.Transform(), tmp_path / "there.nii")


def test_the_number_of_threads_changes_nothing(registration, mr, ct, aligned):
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(3)
        again = registration.align(ct, mr)
        assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 3
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert again.transform.GetParameters() == aligned.transform.GetParameters()
    np.testing.assert_array_equal(array(again.scan.image), array(aligned.scan.image))


def test_scans_that_landmarks_lay_apart_are_refused(registration, mr, ct):
    names = {"a": (0.0, 0.0, 0.0), "b": (50.0, 0.0, 0.0), "c": (0.0, 50.0, 0.0)}
    far = {name: (x + 5000.0, y, z) for name, (x, y, z) in names.items()}
    with pytest.raises(RegistrationError, match="reach"):
        registration.align(replace(ct, landmarks=far), replace(mr, landmarks=names))
