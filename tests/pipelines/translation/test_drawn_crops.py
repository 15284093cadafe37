"""A domain whose training volumes were cut at drawn places: a translation cuts at the mean place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from laws import GRIDS, hounsfield, volume

from pipelines.translation.inputs import TranslationInputs
from preprocessing.case_preparation import prepare_scan
from preprocessing.femoral_heads import HEAD_NAMES
from preprocessing.field_of_view import FemoralHeadBox
from preprocessing.grid import grid_of
from preprocessing.landmarks import landmarks_path, write_landmarks
from preprocessing.orientation import CanonicalOrientation
from preprocessing.provenance import Provenance, record_path, step_config, write_provenance
from preprocessing.scan import Scan
from preprocessing.volume import read_volume, write_volume
from preprocessing.window import FixedWindow

MEAN = FemoralHeadBox(
    spacing=(5.0, 6.0, 4.0), size=(20, 12, 16), outside=-1000.0, offset_mean=(2, -3, -9), seed=1
)
DRAWN = replace(MEAN, offset_sd=(6.0, 5.0, 12.0))
WINDOW = FixedWindow(low=-150, high=350, unit="HU")
HEADS = dict(zip(HEAD_NAMES, [(90.0, -7.0, 35.0), (-66.0, -7.0, 35.0)], strict=True))
MIDPOINT = np.array([12.0, -7.0, 35.0])


@pytest.fixture
def model(make_model):
    recipe = [step_config(step) for step in (CanonicalOrientation(), MEAN, WINDOW)]
    return replace(make_model(), recipes={"mr": recipe, "ct": recipe})


def ct(folder: Path, *, landmarks: bool) -> Path:
    path = folder / "ct_1.nii.gz"
    write_volume(volume(GRIDS["LPS"], hounsfield), path)
    if landmarks:
        write_landmarks(landmarks_path(path), HEADS)
    return path


def inputs(path: Path, model) -> TranslationInputs:
    return TranslationInputs(source=path, output=path.with_name("out.nii.gz"), model=model, to="mr")


def test_a_new_ct_is_cut_at_the_mean_place_off_its_heads(tmp_path, model):
    (item,) = inputs(ct(tmp_path, landmarks=True), model).items()
    centre = grid_of(read_volume(Path(item["image"]))).centre
    np.testing.assert_allclose(centre, MIDPOINT + np.array([-2.0, 3.0, -9.0]), atol=1e-3)


def test_a_ct_whose_heads_are_not_found_is_reported_and_not_cut_anywhere(tmp_path, model):
    listed = inputs(ct(tmp_path, landmarks=False), model)
    assert listed.items() == []
    assert "femoral heads: expected two level balls of bone" in listed.failed["ct_1"]


def test_a_volume_cut_at_a_drawn_place_is_prepared_alike(tmp_path, model):
    path = tmp_path / "ct_1.nii.gz"
    steps = (CanonicalOrientation(), DRAWN, WINDOW)
    scan = Scan(image=volume(GRIDS["LPS"], hounsfield), landmarks=HEADS, case="ct_1")
    write_volume(prepare_scan(scan, steps).image, path)
    record = Provenance(case="ct_1", sources={}, recipe=[step_config(step) for step in steps], outputs={})
    write_provenance(record_path(path), record)
    (item,) = inputs(path, model).items()
    assert item["image"] == str(path)
