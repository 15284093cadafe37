"""The parts of a registration against closed forms, differences and other implementations."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from laws import array
from registration_toys import Motion, moved_points

from evaluation.mutual_information import mutual_information as evaluated_information
from preprocessing.intensity_window import IntensityWindow
from preprocessing.landmarks import LandmarkError
from preprocessing.phantom.scan_grids import make_grid
from preprocessing.registration.error import RegistrationError
from preprocessing.registration.information import information_with
from preprocessing.registration.interpolant import interpolant
from preprocessing.registration.landmark_pairs import read_landmark_pairs
from preprocessing.registration.landmarks_start import LandmarksStart
from preprocessing.registration.lattice import bending, displacement, gathered, lattice_over
from preprocessing.registration.match import match_scans
from preprocessing.registration.moments_start import MomentsStart
from preprocessing.registration.quality import folding, jacobian, landmark_error, sharpness, stage_quality
from preprocessing.registration.similarity import centroid

CENTRE = np.array([12.0, -7.0, 31.0])
POINTS = {"a": (0.0, 0.0, 0.0), "b": (90.0, 5.0, 0.0), "c": (10.0, 70.0, 30.0), "d": (5.0, -20.0, 80.0)}
MOTION = Motion(degrees=(20.0, -10.0, 5.0), shift=(30.0, 10.0, -50.0), centre=CENTRE)


def grid_image(axes="LIP", size=(24, 20, 10), spacing=(5.0, 5.0, 6.0), angles=(8.0, -5.0, 12.0)):
    grid = make_grid(centre=CENTRE, axes=axes, size=size, spacing=spacing, angles=angles)
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    return image


def rng():
    return np.random.default_rng(5)


def test_landmarks_without_error_give_the_motion():
    moving = {name: tuple(MOTION(np.array(point)).tolist()) for name, point in POINTS.items()}
    assert LandmarksStart().fits(POINTS, moving)
    start = LandmarksStart().start(POINTS, moving, centre=CENTRE.tolist())
    where = rng().normal(scale=100, size=(20, 3))
    np.testing.assert_allclose(moved_points(start, where), MOTION(where), atol=1e-6)
    assert landmark_error(start, fixed=POINTS, moving=moving) == pytest.approx(0, abs=1e-6)


def test_landmarks_in_a_mirror_do_not_give_a_reflection():
    moving = {name: (-x, y, z) for name, (x, y, z) in POINTS.items()}
    start = LandmarksStart().start(POINTS, moving, centre=(0.0, 0.0, 0.0))
    assert np.linalg.det(np.reshape(start.GetMatrix(), (3, 3))) == pytest.approx(1)


@pytest.mark.parametrize(
    "points",
    [{}, {"a": (0.0, 0.0, 0.0), "b": (9.0, 0.0, 0.0)}, {str(n): (40.0 * n, 0.0, 0.0) for n in range(5)}],
    ids=["none", "two", "a line"],
)
def test_too_few_landmarks_or_a_line_do_not_fit(points):
    assert not LandmarksStart().fits(points, points)


def test_moments_alone_lay_the_centres_on_each_other(mr, make_scan):
    ct = make_scan(np.array([-1000.0, 50.0, -90.0, 30.0, 500.0]), motion=MOTION.back, shift=(30, 10, -50))
    match = match_scans(mr, ct, spacing=5.0)
    start = MomentsStart(reach=0).start(match, centre=CENTRE.tolist())
    here, there = centroid(match.fixed_mask, "fixed"), centroid(match.moving_mask, "moving")
    np.testing.assert_allclose(moved_points(start, [here]), [there], atol=1e-9)


def test_an_empty_body_is_refused_by_name(mr):
    with pytest.raises(RegistrationError, match="moving"):
        centroid(mr.mask * 0, "moving")


@pytest.mark.parametrize("axes", ["LPS", "RAS", "LIP", "PIR"])
def test_the_lattice_moves_points_as_simpleitk_does(axes):
    image = grid_image(axes)
    lattice = lattice_over(image, spacing=35.0)
    coefficients = rng().normal(scale=5, size=(3, *lattice.shape))
    field = displacement(coefficients, lattice.bases(image))
    transform = lattice.filled(coefficients.ravel())
    for index in ((0, 0, 0), (23, 19, 9), (7, 11, 3)):
        point = image.TransformIndexToPhysicalPoint(index)
        moved = np.subtract(transform.TransformPoint(point), point)
        np.testing.assert_allclose(field[:, index[2], index[1], index[0]], moved, atol=1e-9)


def test_gathering_is_the_adjoint_of_displacing():
    image = grid_image()
    lattice = lattice_over(image, spacing=35.0)
    coefficients = rng().normal(size=(3, *lattice.shape))
    forces = rng().normal(size=(3, *image.GetSize()[::-1]))
    bases = lattice.bases(image)
    one = (displacement(coefficients, bases) * forces).sum()
    assert one == pytest.approx((coefficients * gathered(forces, bases)).sum())


def test_affine_motion_costs_no_bending_and_its_slope_is_that_of_differences():
    shape, spacing = (5, 6, 7), (20.0, 30.0, 40.0)
    affine = np.indices(shape) * np.array([2.0, -3.0, 1.0])[:, None, None, None] + 4
    assert bending(affine.astype(float), spacing)[0] == pytest.approx(0)
    here, step = rng().normal(size=(2, 3, *shape))
    ends = [bending(here + sign * 1e-4 * step, spacing)[0] for sign in (1, -1)]
    assert (bending(here, spacing)[1] * step).sum() == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)


def test_the_interpolant_is_simpleitks_and_its_gradient_is_that_of_differences():
    image = grid_image()
    voxels = rng().normal(size=image.GetSize()[::-1]).astype(np.float32)
    filled = sitk.GetImageFromArray(voxels)
    filled.CopyInformation(image)
    index = rng().uniform(0.1, 8.9, size=(30, 3))
    where = np.array([image.TransformContinuousIndexToPhysicalPoint(i) for i in index.tolist()])
    found = interpolant(filled)
    values, gradient = found(where.T)
    expected = [filled.EvaluateAtPhysicalPoint(p, sitk.sitkLinear) for p in where.tolist()]
    np.testing.assert_allclose(values, expected, atol=1e-5)
    for axis in range(3):
        shift = np.zeros(3)
        shift[axis] = 1e-5
        slope = (found((where + shift).T)[0] - found((where - shift).T)[0]) / 2e-5
        np.testing.assert_allclose(gradient[axis], slope, atol=1e-5)


def test_the_slope_of_the_information_is_that_of_differences():
    fixed = rng().uniform(0, 100, size=4000)
    moving = 3 * fixed + rng().normal(scale=30, size=4000)
    measure = information_with(fixed, bins=16, fixed_window=(0, 100), moving_window=(-50.0, 350.0))
    step = rng().normal(size=4000)
    ends = [measure(moving + sign * 1e-4 * step)[0] for sign in (1, -1)]
    assert measure(moving)[1] @ step == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-5)


def test_the_jacobian_of_a_stretch_is_its_determinant():
    stretch = np.diag([1.1, 0.8, 1.3])
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(stretch.ravel().tolist())
    found = jacobian(grid_image(), transform)
    np.testing.assert_allclose(found, 1.1 * 0.8 * 1.3, rtol=1e-9)


def test_a_fold_is_found(mr):
    """Points are moved towards the middle by more than their distance from it."""
    match = match_scans(mr, mr, spacing=5.0)
    lattice = lattice_over(match.fixed, spacing=40.0)
    coefficients = np.zeros((3, *lattice.shape))
    middle = tuple(count // 2 for count in lattice.shape)
    coefficients[(2, *middle)] = 200.0
    folds = folding(match, lattice.filled(coefficients.ravel()))
    assert folds.minimum < 0 < folds.share < 0.5
    assert folding(match, sitk.Euler3DTransform()).share == 0


def test_the_record_says_what_independent_code_says(registration, mr, make_scan):
    """Mutual information by `evaluation`, Dice by counting."""
    moving = make_scan(np.array([-1000.0, 50.0, -90.0, 30.0, 500.0]), size=(40, 32, 30), shift=(0, 0, 20))
    match = match_scans(mr, moving, spacing=5.0)
    shift = sitk.TranslationTransform(3, (6.0, 0.0, -4.0))
    quality = stage_quality(match, shift, fixed=POINTS, moving=POINTS)
    points = {name: tuple(np.add(point, (6, 0, -4))) for name, point in POINTS.items()}
    moved = sitk.Resample(match.moving, match.fixed, shift, sitk.sitkLinear, -200.0)
    ones = sitk.Image(match.moving.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(match.moving)
    covered = array(sitk.Resample(ones, match.fixed, shift, sitk.sitkNearestNeighbor, 0)) > 0
    body = array(match.fixed_mask) > 0
    windows = tuple(
        IntensityWindow(*window, "nominal") for window in (match.fixed_window, match.moving_window)
    )
    expected = evaluated_information(array(match.fixed), array(moved), window=windows, mask=body & covered)
    # A voxel on the border of two bins may fall into either, by the last digit.
    assert quality.mutual_information == pytest.approx(expected, abs=1e-3)
    assert 0.3 < quality.compared < 0.95
    assert quality.compared == pytest.approx((body & covered).sum() / body.sum())
    other = array(sitk.Resample(match.moving_mask, match.fixed, shift, sitk.sitkNearestNeighbor, 0)) > 0
    both = 2 * (body & covered & other).sum() / ((body & covered).sum() + other.sum())
    assert quality.body_dice == pytest.approx(both)
    assert quality.landmark_error == pytest.approx(np.hypot(6, 4))
    assert landmark_error(shift, fixed=POINTS, moving=points) == pytest.approx(0)


def test_the_right_place_is_sharper_than_a_wrong_one(mr):
    match = match_scans(mr, mr, spacing=5.0)
    right, wrong = (
        sharpness(match, sitk.TranslationTransform(3, (shift, shift, shift))) for shift in (0.0, 30.0)
    )
    assert right > 0.4 > wrong


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"frame": "RAS"}, "frame 'LPS'"),
        ({"unit": "cm"}, "unit 'mm'"),
        ({"moving": {"a": [1, 2]}}, "'a'"),
        ({"moving": None}, "moving"),
    ],
)
def test_a_wrong_landmark_file_is_refused_by_name(tmp_path, change, found):
    good = {"frame": "LPS", "unit": "mm", "fixed": {"a": [1, 2, 3]}, "moving": {"a": [3, 2, 1]}}
    path = tmp_path / "points.json"
    path.write_text(json.dumps(good))
    assert read_landmark_pairs(path) == ({"a": (1, 2, 3)}, {"a": (3, 2, 1)})
    path.write_text(json.dumps({**good, **change}))
    with pytest.raises(LandmarkError, match=rf"points\.json.*{found}"):
        read_landmark_pairs(path)


def test_landmarks_without_a_common_name_are_refused(tmp_path):
    path = tmp_path / "points.json"
    path.write_text(
        json.dumps({"frame": "LPS", "unit": "mm", "fixed": {"a": [1, 2, 3]}, "moving": {"b": [3, 2, 1]}})
    )
    with pytest.raises(RegistrationError, match="both scans"):
        read_landmark_pairs(path)
