"""Slices that a scan hardly reaches are left out of training: not padded, not drawn, and never in silence."""

from pathlib import Path

import numpy as np
import pytest
from laws import CENTRE_LPS, array, hounsfield, stored_as, volume
from toys import SIZE, SPACING, toy_case, train

from pipelines.data.items import volume_items
from pipelines.data.sidecar import slice_coverage
from preprocessing.cohort import Cohort, CohortError, read_cohort, write_cohort
from preprocessing.grid import Grid
from preprocessing.orientation import CanonicalOrientation
from preprocessing.preparation import CohortPreparation
from preprocessing.reslice import ToReferenceGrid
from preprocessing.volume import read_labels, write_volume
from preprocessing.window import FixedWindow

WINDOWS = {
    "mr": [FixedWindow(low=0, high=100, unit="nominal")],
    "ct": [FixedWindow(low=-150, high=350, unit="HU")],
}
BOX = {"spacing": SPACING, "size": SIZE}


def prepared(folder: Path, *, front_mm: float = 0.0, height_voxels: int = 30) -> Cohort:
    """Two MR and two CT for training; the first CT lies in front of its box's middle, or is less high."""
    raw = folder / "raw"
    cases = [toy_case(raw, name) for name in ("mr_1", "mr_2", "ct_1", "ct_2")]
    # The first axis of "LAS" runs to the left: only the canonical order tells its slices right.
    whole = stored_as("LAS")
    size = (*whole.size[:2], height_voxels)
    half = np.reshape(whole.direction, (3, 3)) @ ((np.array(size) - 1) / 2 * whole.spacing)
    origin = np.array(CENTRE_LPS) - half - np.array([0.0, front_mm, 0.0])
    cut = Grid(size=size, spacing=whole.spacing, origin=tuple(origin.tolist()), direction=whole.direction)
    write_volume(volume(cut, hounsfield), raw / "ct_1.nii.gz")
    write_cohort(raw / "cohort.csv", cases)
    steps = {
        "mr": [CanonicalOrientation(), ToReferenceGrid(**BOX, outside=0.0), *WINDOWS["mr"]],
        "ct": [CanonicalOrientation(), BodyAtCentre(**BOX, outside=-1000.0), *WINDOWS["ct"]],
    }
    CohortPreparation(cohort=raw, output=folder / "prepared", steps=steps, fixed="mr").run()
    return read_cohort(folder / "prepared")


class BodyAtCentre(ToReferenceGrid):
    """A box about the trunk's middle, wherever the scan lies."""

    def middle(self, scan):
        return np.array(CENTRE_LPS), {}


def kept(cohort: Cohort, plane) -> dict[str, list[int] | None]:
    items = volume_items(cohort, domain="ct", split="train", windows=WINDOWS, covered_along=plane)
    return {item["case"]: item.get("slices") for item in items}


def test_slices_behind_a_scan_that_lies_too_far_in_front_are_left_out(tmp_path):
    """The scan is 102 mm deep and 46 mm in front: it does not reach the rearmost of four coronal slices."""
    cohort = prepared(tmp_path, front_mm=46.0)
    assert slice_coverage(cohort["ct_1"].image, plane="coronal") == [0.0, 1.0, 1.0, 1.0]
    assert kept(cohort, "coronal") == {"ct_1": [1, 2, 3], "ct_2": None}
    for plane, count in (("sagittal", SIZE[0]), ("axial", SIZE[2])):
        assert slice_coverage(cohort["ct_1"].image, plane=plane) == [0.75] * count
        with pytest.raises(CohortError, match=f"case ct_1: wanted {plane} slices .* found none, at best 75%"):
            kept(cohort, plane)
    items = volume_items(
        cohort, domain="ct", split="train", windows=WINDOWS, covered_along="axial", least_coverage=0.75
    )
    assert all("slices" not in item for item in items)
    assert all(
        "slices" not in item for item in volume_items(cohort, domain="ct", split="train", windows=WINDOWS)
    )
    coverage = read_labels(tmp_path / "prepared" / "ct_1_coverage.nii.gz")
    assert set(np.unique(array(coverage))) == {0, 1}
    assert not (tmp_path / "prepared" / "ct_2_coverage.nii.gz").exists()


def test_a_training_draws_no_slice_that_was_left_out_and_a_volume_with_none_stops_it_by_name(tmp_path):
    cohort = prepared(tmp_path / "good", front_mm=46.0)
    _, *_ = train(cohort.table.parent, tmp_path / "run", max_epochs=1, epoch_length=2)
    assert (tmp_path / "run" / "model" / "model.json").exists()
    low = prepared(tmp_path / "low", height_voxels=8)
    with pytest.raises(RuntimeError) as fault:
        train(low.table.parent, tmp_path / "none", max_epochs=1, epoch_length=2)
    assert "case ct_1: wanted coronal slices that the scan covers to 95%, found none" in _causes(fault.value)


def _causes(error: BaseException | None) -> str:
    told = ""
    while error is not None:
        told, error = f"{told}\n{error}", error.__cause__
    return told


def test_volumes_without_a_record_keep_every_slice(toys):
    cohort = read_cohort(toys)
    items = volume_items(cohort, domain="ct", split="train", windows=WINDOWS, covered_along="coronal")
    assert len(items) == 2
    assert all("slices" not in item for item in items)
