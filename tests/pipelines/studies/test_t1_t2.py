"""The T1 to T2 study: which way the transforms go, that nothing leaks, and that it runs and resumes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from pipelines.commands.bundle_run import run_bundle
from pipelines.studies import t1_t2
from pipelines.studies.open_ms import (
    HeadDataError,
    HeadPatient,
    all_scans,
    head_patients,
    registered_pairs,
    t1_to_t2,
    unpaired_fold,
)
from pipelines.studies.transform_direction import direction_information
from preprocessing.cohort import Cohort, read_cohort

MOVED_MM = 5.7
"""How far patient 03 moved between T1 and T2, at the head's middle."""


@pytest.fixture(scope="session")
def heads(real_data: Path) -> list[HeadPatient]:
    folder = real_data / "open_ms"
    if not folder.is_dir():
        pytest.skip(f"no open MS data in {real_data}: set CYCLEVOX_DATA to a folder that holds open_ms")
    return head_patients(folder)


@pytest.fixture(scope="session")
def toy_study(heads: list[HeadPatient], real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (real_data / "volume_rendering_stroke").is_dir():
        pytest.skip(
            f"no outside case in {real_data}: set CYCLEVOX_DATA to a folder with volume_rendering_stroke"
        )
    out = tmp_path_factory.mktemp("t1_t2")
    t1_t2.run_study(real_data, out, t1_t2.TOY)
    return out


def scans(heads: list[HeadPatient]) -> Cohort:
    return Cohort(Path("cohort.csv"), tuple(all_scans(heads, registered=Path("registered"))))


def test_five_patients_of_whom_three_have_a_t2(heads: list[HeadPatient]) -> None:
    assert [patient.name for patient in heads] == ["p01", "p03", "p04", "p19", "p20"]
    assert [patient.name for patient in heads if patient.t2] == ["p01", "p03", "p04"]


def test_transforms_map_points_from_the_flair_to_the_image(heads: list[HeadPatient]) -> None:
    # Only patient 03 moved enough for the images to tell with certainty.
    moved = next(patient for patient in heads if patient.name == "p03")
    information = direction_information(moved)
    assert information["used"] > 1.5 * information["none"] > 1.5 * information["opposite"]


@pytest.mark.parametrize("name", ["p01", "p04"])
def test_direction_is_the_better_one_in_patients_who_hardly_moved(
    heads: list[HeadPatient], name: str
) -> None:
    information = direction_information(next(patient for patient in heads if patient.name == name))
    assert information["used"] > information["none"] > information["opposite"]


def test_the_opposite_direction_is_not_the_inverse_by_accident(heads: list[HeadPatient]) -> None:
    moved = next(patient for patient in heads if patient.name == "p03")
    middle = np.array(sitk.ReadImage(str(moved.t1)).TransformContinuousIndexToPhysicalPoint((128, 128, 24)))
    used, opposite = (
        np.array(t1_to_t2(moved, opposite=way).TransformPoint(middle.tolist())) for way in (False, True)
    )
    assert np.linalg.norm(used - middle) == pytest.approx(MOVED_MM, abs=0.2)
    assert np.linalg.norm(used - opposite) > MOVED_MM


def test_patient_without_t2_is_refused(heads: list[HeadPatient]) -> None:
    with pytest.raises(HeadDataError, match="p19: wanted a T2"):
        t1_to_t2(heads[-2])


def test_missing_transform_is_named(heads: list[HeadPatient], tmp_path: Path) -> None:
    stray = replace(heads[0], t1=tmp_path / "study1_T1W.nii.gz")
    with pytest.raises(HeadDataError, match=r"study1_T1W_intrastudy_to_FLAIR\.txt"):
        t1_to_t2(stray)


def test_folder_without_heads_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadDataError, match="give the folder open_ms"):
        head_patients(tmp_path)


@pytest.mark.parametrize("held_out", ["p01", "p03", "p04"])
def test_held_out_patient_is_in_no_training_role(heads: list[HeadPatient], held_out: str) -> None:
    fold, pairs = unpaired_fold(scans(heads), held_out), registered_pairs(scans(heads), held_out)
    own = {(case.domain, case.split) for case in fold if case.patient == held_out}
    assert own == {("t1", "test"), ("t2", "test")}
    assert held_out not in {case.patient for case in pairs}
    images = {case.image for case in fold if case.patient == held_out}
    assert not images & {case.image for case in [*fold, *pairs] if case.split != "test"}


@pytest.mark.parametrize("held_out", ["p01", "p03", "p04"])
def test_training_sees_all_others_and_no_pair(heads: list[HeadPatient], held_out: str) -> None:
    training = [case for case in unpaired_fold(scans(heads), held_out) if case.split == "train"]
    t1 = sorted(case.patient for case in training if case.domain == "t1")
    t2 = sorted(case.patient for case in training if case.domain == "t2")
    assert t1 == sorted({"p01", "p03", "p04", "p19", "p20"} - {held_out})
    assert t2 == sorted({"p01", "p03", "p04"} - {held_out})
    assert not [case.case for case in training if case.pair or "registered" in case.case]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_toy_study_judges_every_fold_and_the_outside_case(toy_study: Path) -> None:
    scores = pd.read_csv(toy_study / "scores_test.csv")
    assert sorted(scores["case"].unique()) == ["p01_t1", "p03_t1", "p04_t1"]
    assert set(scores["answer"]) == {"translation", "input", "mean_target", "lut", "supervised_bound"}
    assert len(scores) == 15
    assert np.isfinite(scores[["mae", "psnr", "ssim"]]).all(axis=None)
    outside = pd.read_csv(toy_study / "scores_outside.csv")
    assert sorted(outside["fold"].unique()) == ["p01", "p03", "p04"]
    assert set(outside["case"]) == {"outside_t1"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_study_and_evaluate_command_give_the_same_error(toy_study: Path) -> None:
    scores = pd.read_csv(toy_study / "scores_test.csv").set_index(["fold", "answer"])["mae"]
    for fold in ("p01", "p03", "p04"):
        table = pd.read_csv(toy_study / "folds" / fold / "test" / "evaluation" / "metrics.csv")
        (row,) = table[table["metric"] == "windowed_mae"].to_dict("records")
        assert row["case"] == f"{fold}_t1"
        # Coverage counts where a scan does not fill its grid.
        assert row["region"] in {"body", "body&coverage"}
        assert row["value"] == pytest.approx(scores[(fold, "translation")], rel=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_recorded_training_cohort_holds_no_test_image(toy_study: Path) -> None:
    for fold in ("p01", "p03", "p04"):
        table = pd.read_csv(toy_study / "folds" / fold / "run" / "cohort.csv")
        hashes = {split: set(rows["sha256"]) for split, rows in table.groupby("split")}
        assert not hashes["train"] & hashes["test"]
        assert fold not in set(table[table["split"] == "train"]["patient"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_finished_folds_are_not_trained_again(toy_study: Path, real_data: Path) -> None:
    weights = sorted((toy_study / "folds").glob("*/run/model/*.pt"))
    times = [path.stat().st_mtime_ns for path in weights]
    t1_t2.run_study(real_data, toy_study, t1_t2.TOY)
    assert len(weights) == 6
    assert [path.stat().st_mtime_ns for path in weights] == times


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_page_names_its_numbers_and_pictures(toy_study: Path, real_data: Path, tmp_path: Path) -> None:
    t1_t2.document(real_data, toy_study, tmp_path, command="python -m pipelines.studies.t1_t2 DATA OUT")
    page = (tmp_path / "results" / "t1_t2.md").read_text()
    assert "n = 3" in page.splitlines()[0]
    scores = pd.read_csv(toy_study / "scores_test.csv")
    for value in scores["mae"]:
        assert f"{value:.1f}" in page
    for picture in ("t1_t2.png", "t1_t2_outside.png"):
        assert f"images/{picture}" in page
        assert (tmp_path / "images" / picture).stat().st_size > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_prepared_truth_lies_on_the_grid_of_its_t1(toy_study: Path) -> None:
    cohort = read_cohort(toy_study / "prepared")
    for name in ("p01", "p03", "p04"):
        t1, t2 = (sitk.ReadImage(str(cohort[f"{name}_{kind}"].image)) for kind in ("t1", "t2_registered"))
        assert t1.GetSize() == t2.GetSize() == (24, 28, 12)
        assert t1.GetOrigin() == pytest.approx(t2.GetOrigin())
        assert t1.GetDirection() == pytest.approx(t2.GetDirection())


def test_unknown_setting_of_the_recipe_is_refused() -> None:
    from pipelines.commands.outcome import UsageError

    with pytest.raises(UsageError, match="reference_size"):
        run_bundle(["preprocess", t1_t2.RECIPE], {"reference_siez": [8, 8, 8]})
