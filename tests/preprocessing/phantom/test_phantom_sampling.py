"""The lattice is only a way of looking: any lattice sees the same anatomy, and averages are kept."""

import numpy as np
import pytest
import SimpleITK as sitk

from preprocessing.grid import place
from preprocessing.phantom.acquisition import ct_truth, mr_truth
from preprocessing.phantom.anatomy import HipAnatomy, Tissue
from preprocessing.phantom.patient import draw_patient
from preprocessing.phantom.sampling import sample_anatomy
from preprocessing.phantom.scan_grids import axial_grid, coronal_grid, make_grid
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.texture import make_texture
from preprocessing.phantom.tissue import draw_tissues

SIZE, SPACING = (40, 30, 24), (7.0, 6.0, 8.0)
TOLERANCE_HU = 0.5
"""32-bit coordinates differ in their last bits between orders of axes; a sample may change sides."""


@pytest.fixture(scope="module")
def anatomy():
    return HipAnatomy(draw_patient(11))


def volumes(anatomy, grid):
    sample = sample_anatomy(anatomy, grid, supersampling=(2, 2, 2))
    model = draw_tissues(anatomy.patient)
    texture = make_texture(sample, model)
    sequence = SpoiledGradientEcho()
    return sample.label, ct_truth(sample, texture, model), mr_truth(sample, texture, model, sequence)


@pytest.mark.parametrize("axes", ["RAS", "LAS", "LIP", "SRP"])
def test_flipped_and_permuted_lattices_see_the_same(anatomy, axes):
    centre = anatomy.head_midpoint()
    reference = make_grid(centre=centre, axes="LPS", size=SIZE, spacing=SPACING, angles=(4.0, -6.0, 9.0))
    order = [next(i for i, pair in enumerate(("LR", "PA", "SI")) if letter in pair) for letter in axes]
    size = tuple(SIZE[i] for i in order)
    spacing = tuple(SPACING[i] for i in order)
    other = make_grid(centre=centre, axes=axes, size=size, spacing=spacing, angles=(4.0, -6.0, 9.0))
    expected, found = volumes(anatomy, reference), volumes(anatomy, other)
    for a, b, tolerance in zip(expected, found, (0, TOLERANCE_HU, TOLERANCE_HU), strict=True):
        canonical = sitk.GetArrayFromImage(sitk.DICOMOrient(as_image(b, other), "LPS"))
        assert canonical.shape == a.shape
        assert (np.abs(canonical.astype(float) - a) > tolerance).mean() < 1e-3
        wrong = canonical[:, :, ::-1]
        assert (np.abs(wrong.astype(float) - a) > tolerance).mean() > 0.1


def as_image(array, grid):
    image = sitk.GetImageFromArray(array.astype(np.float32))
    place(image, grid)
    return image


def test_an_oblique_voxel_holds_what_lies_at_its_place(anatomy):
    """SimpleITK says where voxels are; the anatomy asked there says what the sample must hold."""
    centre = anatomy.head_midpoint()
    grid = make_grid(
        centre=centre, axes="LAS", size=(24, 20, 16), spacing=(9.0, 8.0, 11.0), angles=(15, -20, 30)
    )
    sample = sample_anatomy(anatomy, grid, supersampling=(1, 1, 1))
    image = as_image(sample.label, grid)
    rng = np.random.default_rng(0)
    index = rng.integers(0, grid.size, size=(1500, 3))
    points = np.array([image.TransformIndexToPhysicalPoint([int(v) for v in i]) for i in index])
    at_voxel = np.array([image[[int(v) for v in i]] for i in index])
    assert (anatomy.classify(points).label == at_voxel).mean() > 0.999
    assert len(np.unique(at_voxel)) > 12


def test_a_marker_is_where_the_landmarks_say(anatomy):
    """The centre of mass of a ball within the head is the head's centre, on an oblique lattice too."""
    centre = np.array(anatomy.landmarks()["femoral_head_centre_right"])
    grid = make_grid(centre=centre, axes="LIP", size=(48,) * 3, spacing=(1.2,) * 3, angles=(10, 20, -15))
    sample = sample_anatomy(anatomy, grid, supersampling=(1, 1, 1))
    image = as_image(sample.label, grid)
    where = np.argwhere(sample.label == sample.label[24, 24, 24])[:, ::-1]
    points = np.array([image.TransformIndexToPhysicalPoint([int(v) for v in i]) for i in where])
    inside = points[np.linalg.norm(points - centre, axis=1) < 20]
    assert np.linalg.norm(inside.mean(axis=0) - centre) < 0.6


@pytest.fixture(scope="module")
def patch(anatomy):
    centre = np.array(anatomy.landmarks()["femoral_head_centre_left"]) - np.array([0, 0, 20])
    return {"centre": centre, "axes": "LPS"}


def test_adaptive_supersampling_equals_exhaustive(anatomy, patch):
    """Dividing only voxels near a border loses next to nothing against dividing every voxel."""
    grid = make_grid(size=(20, 20, 20), spacing=(4.0, 4.0, 4.0), **patch)
    fine = make_grid(size=(60, 60, 60), spacing=(4 / 3,) * 3, **patch)
    adaptive = sample_anatomy(anatomy, grid, supersampling=(3, 3, 3)).fraction
    every = sample_anatomy(anatomy, fine, supersampling=(1, 1, 1)).fraction
    exhaustive = every.reshape(len(Tissue), 20, 3, 20, 3, 20, 3).mean(axis=(2, 4, 6))
    wrong = np.abs(adaptive - exhaustive).max(axis=0)
    assert wrong.mean() < 0.01
    assert (wrong > 0.4).mean() < 0.005
    centre_only = sample_anatomy(anatomy, grid, supersampling=(1, 1, 1)).fraction
    assert np.abs(centre_only - exhaustive).max(axis=0).mean() > 10 * wrong.mean()


def test_partial_volume_keeps_the_mean(anatomy, patch):
    """A thick voxel's tissue shares are the mean of the thin voxels in it, so mean HU is conserved."""
    thick = make_grid(size=(10, 10, 10), spacing=(6.0, 6.0, 6.0), **patch)
    thin = make_grid(size=(30, 30, 30), spacing=(2.0, 2.0, 2.0), **patch)
    hu = draw_tissues(anatomy.patient).column("hu")
    coarse = np.tensordot(hu, sample_anatomy(anatomy, thick, supersampling=(4, 4, 4)).fraction, 1)
    fine = np.tensordot(hu, sample_anatomy(anatomy, thin).fraction, 1)
    assert coarse.mean() == pytest.approx(fine.mean(), abs=4)
    means = fine.reshape(10, 3, 10, 3, 10, 3).mean(axis=(1, 3, 5))
    assert np.corrcoef(coarse.ravel(), means.ravel())[0, 1] > 0.995


def test_shares_sum_to_one(whole):
    assert whole.fraction.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert whole.fraction.min() >= 0


def test_the_papers_lattices():
    grid = coronal_grid(centre=(1.0, 2.0, 3.0))
    assert grid.size == (256, 256, 38)
    assert grid.spacing == (1.25, 1.25, 2.0)
    assert grid.centre == pytest.approx((1, 2, 3))
    # First voxel: patient's right, head, front (LPS); slices run to the back.
    assert grid.corners()[0] == pytest.approx((1 - 159.375, 2 - 37, 3 + 159.375))
    small = coronal_grid(centre=(0, 0, 0), size=64)
    assert small.size == (64, 64, 19)
    assert small.spacing == (5.0, 5.0, 4.0)
    axial = axial_grid(centre=(0, 0, 0), size=512, slices=10)
    assert axial.size[0] * axial.spacing[0] == 360


def test_axes_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"one of L/R.*'LRS'"):
        make_grid(centre=(0, 0, 0), axes="LRS", size=(2, 2, 2), spacing=(1, 1, 1))
