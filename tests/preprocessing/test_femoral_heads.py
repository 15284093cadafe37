"""Femoral heads: as landmarks name them, found in CT within millimetres, or refused by what was found."""

import numpy as np
import pytest
import SimpleITK as sitk
from laws import GRIDS, hounsfield, volume

from preprocessing.femoral_heads import HEAD_NAMES, femoral_heads, find_femoral_heads, heads_of_landmarks
from preprocessing.grid import Grid, grid_of, place
from preprocessing.phantom.acquisition import acquire_ct, ct_truth
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.patient import change_pose, draw_patient, random_stream
from preprocessing.phantom.sampling import sample_anatomy
from preprocessing.phantom.scan_grids import make_grid
from preprocessing.phantom.scanning import scan_grid
from preprocessing.phantom.texture import make_texture
from preprocessing.phantom.tissue import draw_tissues
from preprocessing.scan import Scan
from preprocessing.volume import read_volume

DEVELOPMENT_SEEDS = range(9000, 9024)
"""Patients on whom the finder's constants were chosen."""
TEST_SEEDS = range(20_000, 20_050)
"""Patients on whom it is judged."""
QUICK_SEEDS = (20_001, 20_002, 20_004, 20_008)
MEDIAN_MM, MAXIMUM_MM = 10.0, 20.0
"""What issue 3 allows for the centres' errors."""
FOUND_MEDIAN_MM, FOUND_MAXIMUM_MM = 3.0, 6.0
"""What the finder keeps to: about a voxel of its coarse copy, and two."""
SPACINGS = ((3.5, 3.5), (4.0, 5.0), (3.5, 4.0), (4.0, 4.0), (5.0, 3.5))
"""Millimetres in the axial plane and between the slices."""
CODES = ("LPS", "RAS", "LAS")
REAL_HEADS = {"left": (81.0, -144.0, 137.0), "right": (-84.0, -141.0, 134.0)}
"""Centres in LPS mm as seen in totalsegmentator/example_ct, which has a nail in its left hip."""


def phantom_ct(seed: int) -> tuple[sitk.Image, HipAnatomy]:
    """A noisy CT of one patient: axial and whole, or for each fifth seed the coronal slab of the MR."""
    patient = change_pose(draw_patient(seed, shift=float(seed % 2)), degrees=4.0)
    anatomy = HipAnatomy(patient)
    grid = scan_grid(anatomy, size=90) if seed % 5 == 4 else axial(anatomy, seed)
    model, sample = draw_tissues(patient), sample_anatomy(anatomy, grid, supersampling=(2, 2, 2))
    voxels = acquire_ct(
        ct_truth(sample, make_texture(sample, model), model), grid, random_stream(seed, "noise")
    )
    image = sitk.GetImageFromArray(voxels)
    place(image, grid)
    return image, anatomy


def axial(anatomy: HipAnatomy, seed: int) -> Grid:
    """Field of view of 360 x 360 x 260 mm whose middle is up to 50 mm above or below the heads."""
    pixel, thickness = SPACINGS[seed % len(SPACINGS)]
    rise = random_stream(seed, "bed").uniform(-50, 50)
    return make_grid(
        centre=anatomy.head_midpoint() + np.array([0, 0, rise]),
        axes=CODES[seed % len(CODES)],
        size=(round(360 / pixel), round(360 / pixel), round(260 / thickness)),
        spacing=(pixel, pixel, thickness),
    )


def errors(seed: int) -> list[float]:
    image, anatomy = phantom_ct(seed)
    found, truth = find_femoral_heads(image), anatomy.landmarks()
    return [
        float(np.linalg.norm(np.subtract(centre, truth[name])))
        for name, centre in zip(HEAD_NAMES, (found.left, found.right), strict=True)
    ]


def test_nobody_is_both_in_development_and_in_the_test():
    assert len(TEST_SEEDS) == 50
    assert not set(DEVELOPMENT_SEEDS) & set(TEST_SEEDS)
    assert set(QUICK_SEEDS) < set(TEST_SEEDS)


@pytest.mark.parametrize("seed", QUICK_SEEDS)
def test_both_heads_are_found_in_a_noisy_ct(seed):
    assert max(errors(seed)) <= FOUND_MAXIMUM_MM


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_centres_of_fifty_patients_are_within_the_issues_limits():
    found = np.array([errors(seed) for seed in TEST_SEEDS])
    print(f"median {np.median(found):.2f} mm, maximum {found.max():.2f} mm")
    assert np.median(found) <= FOUND_MEDIAN_MM < MEDIAN_MM
    assert found.max() <= FOUND_MAXIMUM_MM < MAXIMUM_MM


def test_a_ct_that_begins_at_the_heads_or_holds_one_only_is_refused():
    image, anatomy = phantom_ct(QUICK_SEEDS[0])
    image = sitk.DICOMOrient(image, "LPS")
    left, _, middle = image.TransformPhysicalPointToIndex(anatomy.head_midpoint().tolist())
    step = image.GetSpacing()[2]
    for rise in (0, 6, 12, 30, 60):
        with pytest.raises(ValueError, match=r"femoral heads: .*give the landmarks"):
            find_femoral_heads(image[:, :, middle + round(rise / step) :])
    for part in (image[left:, :, :], image[:left, :, :], image[:, :, : middle - round(30 / step)]):
        with pytest.raises(ValueError, match=r"femoral heads: .*give the landmarks"):
            find_femoral_heads(part)


def test_what_is_no_pelvis_or_no_ct_is_refused():
    with pytest.raises(ValueError, match="expected two level balls of bone 140 to 220 mm apart"):
        find_femoral_heads(volume(GRIDS["LPS"], hounsfield))
    with pytest.raises(ValueError, match="expected a CT in HU, found nothing below 0"):
        find_femoral_heads(volume(GRIDS["LPS"], lambda where: np.zeros(where.shape[:-1])))


def test_landmarks_come_before_bone():
    points = dict(zip(HEAD_NAMES, [(80.0, 1.0, 2.0), (-90.0, 3.0, 4.0)], strict=True))
    image = volume(GRIDS["LPS"], hounsfield)
    heads = femoral_heads(Scan(image=image, landmarks=points))
    assert (heads.left, heads.right, heads.origin, heads.confidence) == (*points.values(), "landmarks", 1.0)
    assert heads.midpoint == (-5.0, 2.0, 3.0)
    assert heads_of_landmarks({HEAD_NAMES[0]: (0.0, 0.0, 0.0)}) is None
    with pytest.raises(ValueError, match="expected two level balls"):
        femoral_heads(Scan(image=image, landmarks={HEAD_NAMES[0]: points[HEAD_NAMES[0]]}))


def test_the_heads_of_a_real_ct_are_found_beside_an_implant(real_data):
    image = read_volume(real_data / "totalsegmentator" / "example_ct.nii.gz")
    for turned in ("LPS", "RAS", "PIL"):
        found = find_femoral_heads(sitk.DICOMOrient(image, turned))
        assert found.confidence > 0.5
        for side, centre in REAL_HEADS.items():
            assert np.linalg.norm(np.subtract(getattr(found, side), centre)) < FOUND_MAXIMUM_MM


@pytest.mark.parametrize("name", ["example_ct_sm", "example_mr_sm"])
def test_real_scans_without_heads_are_refused(real_data, name):
    with pytest.raises(ValueError, match=r"femoral heads: .*give the landmarks"):
        find_femoral_heads(read_volume(real_data / "totalsegmentator" / f"{name}.nii.gz"))


def test_a_real_ct_cut_above_its_heads_is_refused(real_data):
    image = sitk.DICOMOrient(read_volume(real_data / "totalsegmentator" / "example_ct.nii.gz"), "LPS")
    bottom = grid_of(image).origin[2]
    for height in (125.0, 140.0, 160.0, 200.0):
        with pytest.raises(ValueError, match="femoral heads: "):
            find_femoral_heads(image[:, :, round((height - bottom) / image.GetSpacing()[2]) :])
