"""Laws of every step of the preparation, each found by inspection."""

import dataclasses
import importlib
import inspect
import json
import pkgutil

import numpy as np
import pytest
import SimpleITK as sitk
from laws import GRIDS, array, tissue, volume

import preprocessing
from preprocessing.grid import grid_of
from preprocessing.orientation import canonical
from preprocessing.provenance import step_config
from preprocessing.scan import Scan

TARGET = GRIDS["oblique"]
REQUIRED = {
    "FixedWindow": {"low": -150, "high": 350, "unit": "HU"},
    "ToGrid": {
        "size": TARGET.size,
        "spacing": TARGET.spacing,
        "origin": TARGET.origin,
        "direction": TARGET.direction,
        "outside": 0,
    },
    "FemoralHeadBox": {
        "size": [22, 12, 16],
        "spacing": [6, 6, 6],
        "outside": 0,
        "offset_mean": [3, 2, -5],
        "offset_sd": [4, 4, 9],
    },
    "ToReferenceGrid": {"size": [30, 16, 20], "spacing": [6, 6, 6], "outside": 0, "centre": "body"},
}
"""Arguments of the steps that have no sensible default."""
HEADS = {"femoral_head_centre_left": (40.0, -7.0, 30.0), "femoral_head_centre_right": (-20.0, -8.0, 34.0)}
"""Landmarks, LPS mm, for the steps that need them."""
NO_STEPS_OF_A_CONFIG = ("Step", "OntoPartner")
"""The protocol, and what stands in for a step while one case is prepared: it needs the partner's files."""
LEAST_STEPS = 8
"""Steps known when this test was written: finding fewer means that the search is broken."""


def step_classes() -> list[type]:
    found = []
    for info in pkgutil.iter_modules(preprocessing.__path__):
        module = importlib.import_module(f"preprocessing.{info.name}")
        for kind in vars(module).values():
            own = inspect.isclass(kind) and kind.__module__ == module.__name__
            own = own and any("__call__" in vars(base) for base in kind.__mro__)
            if (
                own
                and inspect.signature(kind.__call__).return_annotation in ("Scan", Scan)
                and kind.__name__ not in NO_STEPS_OF_A_CONFIG
            ):
                found.append(kind)
    return found


STEPS = step_classes()


@pytest.fixture(params=STEPS, ids=lambda kind: kind.__name__)
def step(request):
    return request.param(**REQUIRED.get(request.param.__name__, {}))


@pytest.fixture(params=GRIDS.values(), ids=GRIDS)
def scan(request):
    mask = volume(request.param, lambda where: tissue(where) > 0, kind=np.uint8)
    label = volume(request.param, lambda where: tissue(where) == 80, kind=np.uint8)
    return Scan(image=volume(request.param, tissue), mask=mask, label=label, landmarks=HEADS, case="a")


def test_the_search_finds_the_steps():
    assert len(STEPS) >= LEAST_STEPS


def test_a_step_is_a_frozen_dataclass_with_keywords_only(step):
    assert dataclasses.is_dataclass(step)
    assert type(step).__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(step))


def test_a_step_is_rebuilt_from_its_config_in_json(step):
    config = json.loads(json.dumps(step_config(step)))
    module, _, name = config.pop("_target_").rpartition(".")
    assert getattr(importlib.import_module(module), name)(**config) == step


def test_a_step_leaves_its_input_alone(step, scan):
    before = [array(part).copy() for part in (scan.image, scan.mask, scan.label)]
    grids = [grid_of(part) for part in (scan.image, scan.mask, scan.label)]
    step(scan)
    for part, voxels, grid in zip((scan.image, scan.mask, scan.label), before, grids, strict=True):
        np.testing.assert_array_equal(array(part), voxels)
        assert grid_of(part) == grid
    assert dict(scan.notes) == {}


def test_a_step_keeps_image_mask_and_label_on_one_grid_and_their_types(step, scan):
    result = step(scan)
    for before, after in ((scan.mask, result.mask), (scan.label, result.label)):
        assert grid_of(after).difference(grid_of(result.image)) == ""
        assert after.GetPixelID() == before.GetPixelID()
    assert result.image.GetPixelID() == sitk.sitkFloat32
    assert set(np.unique(array(result.label))) == {0, 1}


def test_a_step_leaves_notes_that_json_can_hold(step, scan):
    notes = dict(step(scan).notes)
    assert json.loads(json.dumps(notes, allow_nan=False)) == notes


def test_a_step_does_the_same_however_the_scan_is_stored(step):
    """Storage order is no property of the patient: only the order of voxels may differ."""
    results = []
    for code in ("RAS", "LAS", "LPS", "coronal"):
        image = canonical(volume(GRIDS[code], tissue))
        mask = canonical(volume(GRIDS[code], lambda where: tissue(where) > 0, kind=np.uint8))
        results.append(step(Scan(image=image, mask=mask, landmarks=HEADS, case="a")))
    for other in results[1:]:
        assert grid_of(other.image).difference(grid_of(results[0].image)) == ""
        np.testing.assert_allclose(array(other.image), array(results[0].image), atol=1e-3)
        np.testing.assert_array_equal(array(other.mask), array(results[0].mask))
        assert other.window == results[0].window
