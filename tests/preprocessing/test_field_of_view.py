"""The crop about the femoral heads: its place, its draw, and what it learns from the other domain."""

import json
from pathlib import Path

import numpy as np
import pytest
from laws import CENTRE_LPS, GRIDS, SAME_PLACE_MM, array, hounsfield, points, tissue, volume

from preprocessing.cohort import Case
from preprocessing.femoral_heads import HEAD_NAMES
from preprocessing.field_of_view import (
    WIDEST_DRAW_SD,
    FemoralHeadBox,
    FemoralHeadCrop,
    draw_offset,
    measured_offsets,
)
from preprocessing.grid import Grid, grid_of
from preprocessing.landmarks import landmarks_path, write_landmarks
from preprocessing.orientation import CanonicalOrientation
from preprocessing.partner import onto_grid
from preprocessing.provenance import step_config
from preprocessing.reslice import ToGrid, ToReferenceGrid
from preprocessing.scan import CohortStep, Scan, Step
from preprocessing.volume import write_volume

BOX = {"spacing": (5.0, 4.0, 6.0), "size": (16, 10, 12), "outside": -1000.0}
RAS_FROM_LPS = np.array([-1.0, -1.0, 1.0])
OFFSETS_RAS = np.array([[1.0, 2.0, -20.0], [3.0, -2.0, -10.0], [-4.0, 6.0, -30.0], [8.0, -3.0, 4.0]])
"""Middle of the image minus midpoint of the heads of the measured cases."""


def heads_about(midpoint) -> dict[str, tuple[float, float, float]]:
    """Landmarks that are level neither from side to side nor from front to back."""
    apart = np.array([85.0, 6.0, -4.0])
    places = (np.array(midpoint) + apart, np.array(midpoint) - apart)
    return {name: tuple(place.tolist()) for name, place in zip(HEAD_NAMES, places, strict=True)}


def scan(code: str, *, midpoint=(4.0, -12.0, 40.0), case: str = "ct_1") -> Scan:
    image = volume(GRIDS[code], hounsfield)
    return CanonicalOrientation()(Scan(image=image, landmarks=heads_about(midpoint), case=case))


def case_at(folder: Path, name: str, offset_ras, *, split="train", landmarks=True) -> Case:
    image = folder / f"{name}.nii.gz"
    code = list(GRIDS)[len(name) % len(GRIDS)]
    write_volume(volume(GRIDS[code], tissue), image)
    if landmarks:
        midpoint = np.array(CENTRE_LPS) - RAS_FROM_LPS * offset_ras
        write_landmarks(landmarks_path(image), heads_about(midpoint))
    domain = name.partition("_")[0]
    return Case(
        case=name, patient=name, domain=domain, image=image, label=None, mask=None, pair=None, split=split
    )


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> list[Case]:
    """Four measurable MR, and as many that must not be measured, with absurd offsets."""
    folder = tmp_path_factory.mktemp("cases")
    measured = [case_at(folder, f"mr_{'x' * n}", offset) for n, offset in enumerate(OFFSETS_RAS)]
    test = case_at(folder, "mr_test", (500.0,) * 3, split="test")
    other = case_at(folder, "ct_other", (500.0,) * 3)
    without = case_at(folder, "mr_without", (500.0,) * 3, landmarks=False)
    damaged = case_at(folder, "mr_damaged", (500.0,) * 3)
    damaged.image.write_bytes(b"no volume")
    return [test, other, without, damaged, *measured]


@pytest.mark.parametrize("code", GRIDS)
def test_the_box_lies_off_the_heads_by_the_offset_in_the_patients_axes(code):
    step = FemoralHeadBox(**BOX, offset_mean=(7.0, -3.0, -15.0))
    result = step(scan(code))
    found = grid_of(result.image)
    np.testing.assert_allclose(
        found.centre, np.array([4.0 - 7.0, -12.0 + 3.0, 40.0 - 15.0]), atol=SAME_PLACE_MM
    )
    assert (found.size, found.spacing) == (BOX["size"], pytest.approx(BOX["spacing"]))
    note = result.notes["FemoralHeadBox"]
    assert note["offset_ras_mm"] == [7.0, -3.0, -15.0]
    assert note["heads"]["from"] == "landmarks"
    assert note["heads"]["left"] == [89.0, -6.0, 36.0]
    assert note["heads"]["confidence"] == 1.0


def test_the_reference_grid_can_be_centred_on_the_heads_as_well():
    result = ToReferenceGrid(**BOX, centre="femoral_heads")(scan("LAS"))
    np.testing.assert_allclose(grid_of(result.image).centre, (4.0, -12.0, 40.0), atol=SAME_PLACE_MM)
    assert result.notes["ToReferenceGrid"]["heads"]["right"] == [-81.0, -18.0, 44.0]


def test_heads_that_cannot_be_found_leave_no_box_at_all():
    without = Scan(image=volume(GRIDS["LPS"], hounsfield))
    for step in (FemoralHeadBox(**BOX), ToReferenceGrid(**BOX, centre="femoral_heads")):
        with pytest.raises(ValueError, match="femoral heads: expected two level balls"):
            step(without)


def test_a_draw_depends_on_case_and_seed_alone_and_spreads_as_asked():
    mean, sd = (2.0, -4.0, -15.0), (6.0, 5.0, 12.0)
    drawn = np.array([draw_offset(f"ct_{n}", mean=mean, sd=sd, seed=3) for n in range(4000)])
    np.testing.assert_array_equal(draw_offset("ct_7", mean=mean, sd=sd, seed=3), drawn[7])
    assert not np.allclose(draw_offset("ct_7", mean=mean, sd=sd, seed=4), drawn[7])
    assert np.abs((drawn - mean) / sd).max() <= WIDEST_DRAW_SD + 1e-9
    # A normal distribution clipped at two standard deviations keeps 0.96 of its spread.
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.5)
    np.testing.assert_allclose(drawn.std(axis=0), 0.96 * np.array(sd), rtol=0.05)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 0.1


def test_the_draw_that_is_noted_is_the_one_applied():
    step = FemoralHeadBox(**BOX, offset_mean=(0.0, 0.0, -15.0), offset_sd=(6.0, 5.0, 12.0), seed=5)
    places = []
    for name in ("ct_1", "ct_2"):
        result = step(scan("oblique", case=name))
        offset = RAS_FROM_LPS * (np.array(grid_of(result.image).centre) - [4.0, -12.0, 40.0])
        np.testing.assert_allclose(result.notes["FemoralHeadBox"]["offset_ras_mm"], offset, atol=2e-3)
        places.append(offset)
    assert np.linalg.norm(places[0] - places[1]) > 1


def test_mean_and_spread_are_those_of_the_training_cases_with_landmarks(cases):
    np.testing.assert_allclose(
        sorted(measured_offsets(cases, domain="mr").tolist()), sorted(OFFSETS_RAS.tolist()), atol=1e-2
    )
    crop = FemoralHeadCrop(**BOX, offsets_from="mr", seed=9)
    assert isinstance(crop, CohortStep)
    step = crop.fit(cases)
    assert isinstance(step, Step)
    np.testing.assert_allclose(step.offset_mean, OFFSETS_RAS.mean(axis=0), atol=1e-2)
    np.testing.assert_allclose(step.offset_sd, OFFSETS_RAS.std(axis=0, ddof=1), atol=1e-2)
    assert step.offsets_of == "4 training cases of mr with femoral-head landmarks"
    assert (step.spacing, step.size, step.outside, step.seed) == (*BOX.values(), 9)


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("ct", "configuration, for want of 3: 1 training cases of ct with femoral-head landmarks"),
        (None, "configuration"),
    ],
)
def test_with_too_few_landmarks_the_configured_numbers_serve_and_it_is_said(cases, domain, told, caplog):
    numbers = {"offset_mean": (0.0, 0.0, -15.0), "offset_sd": (6.0, 5.0, 12.0)}
    step = FemoralHeadCrop(**BOX, offsets_from=domain, **numbers).fit(cases)
    assert {"offset_mean": step.offset_mean, "offset_sd": step.offset_sd} == numbers
    assert step.offsets_of == told
    warned = domain is not None
    assert (
        "found 1: CT are cut by the configuration's offset_mean [0.0, 0.0, -15.0]" in caplog.text
    ) is warned
    assert step(scan("LPS")).notes["FemoralHeadBox"]["offsets_of"] == told


def test_a_partner_goes_onto_the_fixed_grid_instead():
    grid = Grid(
        size=(5, 6, 7), spacing=(1.0, 2.0, 3.0), origin=(1.0, 1.0, 1.0), direction=GRIDS["RAS"].direction
    )
    (step,) = onto_grid([FemoralHeadBox(**BOX)], grid)
    assert step == ToGrid(
        size=grid.size, spacing=grid.spacing, origin=grid.origin, direction=grid.direction, outside=-1000.0
    )


def test_crop_and_box_stand_json_and_refuse_what_makes_no_sense():
    for step in (FemoralHeadCrop(**BOX), FemoralHeadBox(**BOX, offset_sd=(1.0, 1.0, 1.0))):
        config = json.loads(json.dumps(step_config(step)))
        assert config.pop("_target_") == f"preprocessing.field_of_view.{type(step).__name__}"
        assert type(step)(**config) == step
    with pytest.raises(ValueError, match="expected the centre 'femoral_heads', found 'body'"):
        FemoralHeadBox(**BOX, centre="body")
    for kind in (FemoralHeadBox, FemoralHeadCrop):
        with pytest.raises(ValueError, match="expected offset_sd of 0 mm or more"):
            kind(**BOX, offset_sd=(1.0, -1.0, 1.0))


def test_voxels_of_the_box_are_those_of_the_scan_at_its_place():
    result = FemoralHeadBox(**{**BOX, "spacing": (1.0, 1.0, 1.0)})(scan("LPS"))
    where = points(grid_of(result.image))
    core = np.abs(tissue(where) - 40.0) < 1e-6
    assert core.any()
    assert np.median(array(result.image)[core]) == pytest.approx(50.0, abs=1)
