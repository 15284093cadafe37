"""File, preparation, a network that changes nothing, and back: the same voxels in the same place.

Axial, coronal, oblique, LAS and LPS sources; by `translate_volume`, and by inference.json on a file and on a
cohort.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from laws import CENTRE_LPS, HALF_VOXEL, MARKER_LPS, array, centroid, marker, points, ramp, volume

from pipelines.model.model_folder import TranslationModel
from pipelines.translation.volume_translation import translate_volume
from preprocessing.cohort import Case, read_cohort, write_cohort
from preprocessing.grid import grid_of
from preprocessing.volume import read_volume, write_volume

HU_TOLERANCE = 1.0
"""The law of the whole chain: equal voxels within 1 HU, the rounding to whole HU included."""

STORED = ("RAS", "LAS", "LPS", "coronal", "oblique", "oblique coronal")


def anatomy(where: np.ndarray) -> np.ndarray:
    """A ramp that leaves the window on both sides, in fractions of HU."""
    return 12 * (ramp(where) - 100) + 100


def bright_marker(where: np.ndarray) -> np.ndarray:
    """A ball of 300 HU on the patient's right, in water."""
    return 0.3 * marker(where)


FUNCTIONS = {"anatomy": anatomy, "marker": bright_marker}


@pytest.fixture(scope="module")
def cohort(grids, tmp_path_factory) -> Path:
    """One case for every way of storing and every content."""
    folder = tmp_path_factory.mktemp("stored")
    cases = []
    for stored, grid in grids.items():
        for content, function in FUNCTIONS.items():
            name = f"{stored.replace(' ', '-')}_{content}"
            write_volume(volume(grid, function), folder / f"{name}.nii.gz")
            cases.append(
                Case(
                    case=name,
                    patient=name,
                    domain="mr",
                    image=folder / f"{name}.nii.gz",
                    label=None,
                    mask=None,
                    pair=None,
                    split="test",
                )
            )
    write_cohort(folder / "cohort.csv", cases)
    return folder


def source(cohort: Path, stored: str, content: str) -> Path:
    return cohort / f"{stored.replace(' ', '-')}_{content}.nii.gz"


@pytest.fixture(scope="module")
def translated(cohort, infer, identity_model, tmp_path_factory) -> Path:
    """The cohort through inference.json."""
    output = tmp_path_factory.mktemp("translated") / "cohort"
    report = infer(cohort, output, identity_model)
    assert report.failed == {}
    return output


def assert_same_grid(one: sitk.Image, other: sitk.Image) -> None:
    assert one.GetSize() == other.GetSize()
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(one, name)(), getattr(other, name)(), atol=1e-4)


@pytest.mark.parametrize("stored", STORED)
def test_voxels_inside_the_window_are_the_same(cohort, translated, stored):
    path = source(cohort, stored, "anatomy")
    before, after = read_volume(path), sitk.ReadImage(str(translated / "images" / path.name))
    assert after.GetPixelID() == sitk.sitkInt16
    assert_same_grid(before, after)
    expected = np.clip(array(before), -150, 350)
    assert 0.03 < np.mean(expected != array(before)) < 0.5  # the window does cut, and most is inside
    np.testing.assert_allclose(array(after), expected, atol=HU_TOLERANCE)


@pytest.mark.parametrize("stored", STORED)
def test_a_marker_on_the_right_stays_on_the_right(cohort, translated, stored):
    path = source(cohort, stored, "marker")
    after = read_volume(translated / "images" / path.name)
    found = centroid(after)
    assert found[0] < CENTRE_LPS[0] - 30  # LPS: the patient's right is negative
    distance = np.linalg.norm(found - np.array(MARKER_LPS))
    assert distance < HALF_VOXEL * min(after.GetSpacing())


@pytest.mark.parametrize("content", FUNCTIONS)
@pytest.mark.parametrize("stored", STORED)
def test_translate_volume_gives_the_voxels_of_the_bundle(cohort, translated, identity_model, stored, content):
    path = source(cohort, stored, content)
    here = translate_volume(read_volume(path), model=identity_model, to="ct", network=torch.nn.Identity())
    there = sitk.ReadImage(str(translated / "images" / path.name))
    assert here.GetPixelID() == there.GetPixelID()
    assert_same_grid(here, there)
    np.testing.assert_array_equal(array(here), array(there))


@pytest.mark.parametrize("stored", ["LAS", "oblique coronal"])
def test_a_file_gives_the_voxels_of_its_cohort(cohort, translated, infer, identity_model, tmp_path, stored):
    path = source(cohort, stored, "anatomy")
    infer(path, tmp_path / "new" / "one.nii.gz", identity_model)
    alone = sitk.ReadImage(str(tmp_path / "new" / "one.nii.gz"))
    there = sitk.ReadImage(str(translated / "images" / path.name))
    assert_same_grid(alone, there)
    np.testing.assert_array_equal(array(alone), array(there))


@pytest.mark.parametrize("plane", ["sagittal", "axial"])
def test_the_law_holds_in_every_plane(cohort, make_model, plane):
    image = read_volume(source(cohort, "oblique", "anatomy"))
    model = make_model(plane=plane)
    after = translate_volume(image, model=model, to="ct", network=torch.nn.Identity())
    np.testing.assert_allclose(array(after), np.clip(array(image), -150, 350), atol=HU_TOLERANCE)


@pytest.mark.parametrize("factor", [0.7, 1.6])
@pytest.mark.parametrize("stored", STORED)
def test_a_smooth_ramp_survives_a_finer_and_a_coarser_grid(grids, make_model, stored, factor):
    spacing = tuple(edge * factor for edge in (5.0, 6.0, 4.0))
    size = tuple(int(np.ceil(count / factor)) + 2 for count in (28, 17, 22))
    image = volume(grids[stored], ramp)
    model = make_model(spacing=spacing, size=size)
    after = translate_volume(image, model=model, to="ct", network=torch.nn.Identity())
    assert_same_grid(image, after)
    # Away from the border, where the coarser grid mixes in what lies outside.
    inner = tuple(slice(3, -3) for _ in range(3))
    np.testing.assert_allclose(array(after)[inner], array(image)[inner], atol=HU_TOLERANCE)


def without_orientation(model: TranslationModel) -> TranslationModel:
    """The model of a cohort that was prepared without `CanonicalOrientation`."""
    recipes = {
        domain: [step for step in recipe if not step["_target_"].endswith("CanonicalOrientation")]
        for domain, recipe in model.recipes.items()
    }
    assert all(len(recipes[domain]) == len(model.recipes[domain]) - 1 for domain in recipes)
    bare = replace(model, recipes=recipes)
    bare.write()
    return bare


@pytest.mark.parametrize("stored", STORED)
def test_a_recipe_that_does_not_turn_scans_keeps_right_and_left(cohort, make_model, infer, tmp_path, stored):
    path = source(cohort, stored, "anatomy")
    before = read_volume(path)
    grid = grid_of(before)
    model = without_orientation(make_model(spacing=grid.spacing, size=grid.size))
    expected = np.clip(array(before), -150, 350)
    here = translate_volume(before, model=model, to="ct", network=torch.nn.Identity())
    np.testing.assert_allclose(array(here), expected, atol=HU_TOLERANCE)
    infer(path, tmp_path / "out.nii.gz", model)
    there = sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    assert_same_grid(before, there)
    np.testing.assert_array_equal(array(there), array(here))


def test_what_the_reference_grid_leaves_out_of_a_ct_is_air(grids, make_model):
    image = volume(grids["LPS"], lambda where: 0 * ramp(where) + 200)
    model = make_model(size=(12, 17, 22))
    after = array(translate_volume(image, model=model, to="ct", network=torch.nn.Identity()))
    assert set(np.unique(after)) == {-1000, 200}
    assert (after == 200).sum() == 12 * 17 * 22


def test_what_the_reference_grid_leaves_out_of_an_mr_is_black(grids, make_model):
    image = volume(grids["LPS"], lambda where: 0 * ramp(where) + 200)
    model = make_model(size=(12, 17, 22), unit="nominal")
    after = array(translate_volume(image, model=model, to="ct", network=torch.nn.Identity()))
    np.testing.assert_allclose(np.unique(after.round(3)), [-150, 200])


@pytest.mark.parametrize(
    ("plane", "row_axis", "column_axis"), [("sagittal", 1, 2), ("coronal", 0, 2), ("axial", 0, 1)]
)
@pytest.mark.parametrize("stored", ["LPS", "coronal", "oblique"])
def test_the_network_sees_rows_and_columns_as_the_conventions_say(
    grids, make_model, stored, plane, row_axis, column_axis
):
    """A network that marks one corner shows it: coronal rows run to the right, columns to the head."""

    class MarkCorner(torch.nn.Module):
        def forward(self, image):
            marked = image.clone()
            rows, columns = image.shape[-2:]
            marked[..., rows - rows // 3 :, columns - columns // 3 :] = 1.0
            return marked

    image = volume(grids[stored], lambda where: 0 * ramp(where))
    after = translate_volume(image, model=make_model(plane=plane), to="ct", network=MarkCorner())
    grid = grid_of(image)
    # Canonical coordinates of every voxel: the scan's own axes, turned to grow to the right, front and head.
    axes = np.reshape(grid.direction, (3, 3)).T
    along = np.abs(axes @ np.diag([-1, -1, 1])).argmax(axis=0)
    canonical = np.stack([axes[along[k]] * np.sign(axes[along[k]][k] * (-1, -1, 1)[k]) for k in range(3)])
    place = (points(grid) - np.array(grid.centre)) @ canonical.T
    bright = place[array(after) == 350]
    assert len(bright) > 100
    assert bright[:, row_axis].min() > 0
    assert bright[:, column_axis].min() > 0


def test_nominal_units_are_written_as_floats(cohort, make_model, infer, tmp_path):
    path = source(cohort, "LPS", "anatomy")
    infer(path, tmp_path / "out.nii.gz", make_model(unit="nominal"))
    after = sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    assert after.GetPixelID() == sitk.sitkFloat32
    expected = np.clip(array(read_volume(path)), -150, 350)
    np.testing.assert_allclose(array(after), expected, atol=1e-3)  # not rounded to whole units


def test_output_cohort_can_be_read_and_has_no_labels(cohort, translated):
    read = read_cohort(translated)
    assert [case.case for case in read] == [case.case for case in read_cohort(cohort)]
    assert {(case.domain, case.label, case.pair) for case in read} == {("ct", None, None)}
