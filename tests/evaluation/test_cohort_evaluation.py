"""A small cohort on disk, judged as a user would: what is measured, in which window, and what is refused."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from evaluation.cohort_evaluation import CohortEvaluation
from evaluation.image_metrics import (
    hu_mae,
    mutual_information,
    slicewise_mutual_information,
    tissue_errors,
    windowed_mae,
    windowed_ssim,
)
from evaluation.overlap import dice, hausdorff95
from preprocessing.cohort import Case, write_cohort
from preprocessing.intensity_window import IntensityWindow
from preprocessing.volume import write_volume
from preprocessing.window import FixedWindow, PercentileWindow

CT = IntensityWindow(-150.0, 350.0, "HU")
WINDOWS = {"ct": FixedWindow(low=-150.0, high=350.0, unit="HU"), "mr": PercentileWindow()}


def as_image(array: np.ndarray, spacing) -> sitk.Image:
    """An [R, A, S] array as an image in LPS millimetres."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    image.SetSpacing(spacing)
    return image


class Workshop:
    """Writes cases into a folder and their table at the end."""

    def __init__(self, folder: Path, spacing) -> None:
        self.folder, self.spacing, self.cases = folder, spacing, []

    def add(
        self,
        name,
        domain,
        image,
        *,
        pair=None,
        mask=None,
        label=None,
        patient=None,
        orientation="RAS",
        **record,
    ):
        paths = {}
        for role, array in (("image", image.astype(np.float32)), ("mask", mask), ("label", label)):
            if array is not None:
                volume = as_image(array.astype(np.uint8) if role != "image" else array, self.spacing)
                paths[role] = self.folder / f"{name}{'' if role == 'image' else '_' + role}.nii.gz"
                write_volume(sitk.DICOMOrient(volume, orientation), paths[role])
        if record:
            (self.folder / f"{name}.json").write_text(json.dumps(record))
        self.cases.append(
            Case(
                case=name,
                patient=patient or name.split("_")[0],
                domain=domain,
                image=paths["image"],
                label=paths.get("label"),
                mask=paths.get("mask"),
                pair=pair,
                split="test",
            )
        )
        return self

    def write(self) -> Path:
        write_cohort(self.folder / "cohort.csv", self.cases)
        return self.folder


@pytest.fixture
def mr(reference):
    """Fat bright, muscle grey, bone dark, in arbitrary units."""
    return np.select([reference < -500, reference < 0, reference < 250], [20.0, 900.0, 450.0], 150.0)


@pytest.fixture
def labels(reference):
    """Fat 1, bone 2."""
    return np.select([(reference > -500) & (reference < 0), reference >= 250], [1, 2], 0).astype(np.uint8)


@pytest.fixture
def cohort(tmp_path, spacing):
    """An empty cohort of sources and truths."""
    return Workshop(tmp_path / "cohort", spacing)


@pytest.fixture
def predictions(tmp_path, spacing):
    """An empty cohort of predictions."""
    return Workshop(tmp_path / "predictions", spacing)


@pytest.fixture
def paired(cohort, mr, reference, body, labels):
    """One patient with MR and true CT."""
    cohort.add("p1_mr", "mr", mr, pair="p1_ct", mask=body, label=labels)
    cohort.add("p1_ct", "ct", reference, mask=body, label=labels)
    return cohort


def evaluate(cohort, predictions, tmp_path, **options):
    options = {"windows": WINDOWS, **options}
    evaluation = CohortEvaluation(
        cohort=cohort.write(), predictions=predictions.write(), output=tmp_path / "out", **options
    )
    return evaluation.run()


def table(tmp_path) -> list[dict[str, str]]:
    with (tmp_path / "out" / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def values(report) -> dict[tuple[str, str], float]:
    return {(row.metric, row.structure): row.value for row in report.measurements}


def test_every_number_is_that_of_the_metric_on_the_arrays(
    paired, predictions, tmp_path, mr, reference, prediction, body, spacing, labels
):
    other = np.roll(labels, 1, axis=0)
    predictions.add("p1_mr", "ct", prediction, label=other, patient="p1")
    report = evaluate(paired, predictions, tmp_path)
    assert report.failed == ()
    found = values(report)
    single = prediction.astype(np.float32).astype(float)
    truth = reference.astype(np.float32).astype(float)
    mr_window = IntensityWindow(0.0, float(np.percentile(mr[body].astype(np.float32), 99.5)), "nominal")
    two = (mr_window, CT)
    tissue = tissue_errors(single, truth, window=CT, mask=body)
    expected = {
        ("windowed_mae", "all"): windowed_mae(single, truth, window=CT, mask=body),
        ("windowed_ssim_coronal", "all"): windowed_ssim(single, truth, window=CT, mask=body, plane="coronal"),
        ("hu_mae", "all"): hu_mae(single, truth, mask=body),
        ("tissue_mae_clipped", "bone"): tissue["bone"].mae,
        ("mutual_information", "all"): mutual_information(mr, single, window=two, mask=body),
        ("mutual_information_coronal", "all"): slicewise_mutual_information(
            mr, single, window=two, mask=body, plane="coronal"
        ),
        ("dice", "2"): dice(other == 2, labels == 2, spacing=spacing),
        ("hausdorff95", "1"): hausdorff95(other == 1, labels == 1, spacing=spacing),
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-5)
    assert {row["region"] for row in table(tmp_path) if row["metric"] == "windowed_mae"} == {"body"}


def test_table_says_the_conventions_and_summary_the_same_numbers(paired, predictions, tmp_path, prediction):
    predictions.add("p1_mr", "ct", prediction, patient="p1")
    report = evaluate(paired, predictions, tmp_path, plane="axial")
    rows = table(tmp_path)
    assert list(rows[0]) == ["case", "structure", "metric", "value", "unit", "region", "conventions"]
    mae = next(row for row in rows if row["metric"] == "windowed_mae")
    assert mae["unit"] == "level"
    assert "[-150, 350] HU" in mae["conventions"]
    assert "p1_ct" in mae["conventions"]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    (entry,) = [entry for entry in summary["metrics"] if entry["metric"] == "windowed_mae"]
    assert entry["mean"] == pytest.approx(float(mae["value"]))
    assert (entry["patients"], entry["sd"], entry["interval"]) == (1, None, [None, None])
    assert summary["failed"] == []
    assert json.loads(json.dumps(report.summary["cases"])) == 1
    assert any(row["metric"] == "windowed_ssim_axial" for row in rows)


def test_how_the_files_are_oriented_does_not_matter(paired, predictions, tmp_path, prediction, cohort):
    predictions.add("p1_mr", "ct", prediction, patient="p1")
    straight = values(evaluate(paired, predictions, tmp_path))
    for workshop in (paired, predictions):
        for case in workshop.cases:
            for path in filter(None, (case.image, case.mask, case.label)):
                write_volume(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LSA"), path)
    assert values(evaluate(paired, predictions, tmp_path)) == pytest.approx(straight, rel=1e-9, nan_ok=True)


def test_unpaired_case_is_listed_and_keeps_its_mutual_information(
    paired, predictions, tmp_path, mr, prediction
):
    paired.add("q1_mr", "mr", mr)
    predictions.add("p1_mr", "ct", prediction, patient="p1").add("q1_mr", "ct", prediction, patient="q1")
    report = evaluate(paired, predictions, tmp_path)
    ((name, message),) = report.failed
    assert name == "q1_mr"
    assert message.startswith("unpaired: ")
    rows = [row for row in table(tmp_path) if row["case"] == "q1_mr"]
    assert {row["metric"] for row in rows} == {
        "mutual_information",
        "mutual_information_coronal",
        "normalised_mutual_information",
    }
    assert {row["region"] for row in rows} == {"image"}
    assert any(row["case"] == "p1_mr" and row["metric"] == "windowed_mae" for row in table(tmp_path))


def test_same_domain_is_judged_against_the_case_itself(paired, predictions, tmp_path, prediction):
    predictions.add("p1_ct", "ct", prediction, patient="p1")
    report = evaluate(paired, predictions, tmp_path)
    assert report.failed == ()
    metrics = {row.metric for row in report.measurements}
    assert "windowed_mae" in metrics
    assert "mutual_information" not in metrics


def test_another_grid_is_refused_not_resampled(paired, predictions, tmp_path, prediction):
    predictions.add("p1_mr", "ct", prediction[:, :, 1:], patient="p1")
    report = evaluate(paired, predictions, tmp_path)
    assert not report.measurements
    assert all("p1_mr" in message and "size" in message for _, message in report.failed)
    assert len(report.failed) == 2  # the truth and the source


def test_coverage_of_a_registered_truth_narrows_the_region(
    paired, predictions, tmp_path, prediction, reference, body, spacing
):
    coverage = np.zeros(body.shape, np.uint8)
    coverage[:, :, :9] = 1
    write_volume(as_image(coverage, spacing), paired.folder / "p1_ct_coverage.nii.gz")
    predictions.add("p1_mr", "ct", prediction, patient="p1")
    report = evaluate(paired, predictions, tmp_path)
    (row,) = [row for row in report.measurements if row.metric == "hu_mae"]
    assert row.region == "body&coverage"
    assert row.value == pytest.approx(hu_mae(prediction, reference, mask=body & (coverage > 0)), rel=1e-5)


def test_synthetic_mr_in_nominal_units_is_laid_onto_the_window_of_the_real_one(
    paired, predictions, tmp_path, mr, body
):
    high = float(np.percentile(mr[body].astype(np.float32), 99.5))
    record = {"window": {"low": 0.0, "high": 100.0, "unit": "nominal"}}
    predictions.add("p1_ct", "mr", mr * 100 / high, patient="p1", **record)
    paired.cases[1] = paired.cases[1].__class__(**{**paired.cases[1].__dict__, "pair": "p1_mr"})
    report = evaluate(paired, predictions, tmp_path)
    assert report.failed == ()
    assert values(report)["windowed_mae", "all"] == pytest.approx(0.0, abs=1e-4)
    assert ("hu_mae", "all") not in values(report)


def test_stored_window_of_a_prepared_case_is_used(cohort, predictions, tmp_path, mr):
    record = {"window": {"low": 0.0, "high": 3000.0, "unit": "nominal"}}
    cohort.add("p1_mr", "mr", mr, **record)
    predictions.add("p1_mr", "mr", mr + 30.0, patient="p1")
    report = evaluate(cohort, predictions, tmp_path)
    assert values(report)["windowed_mae", "all"] == pytest.approx(30 / 3000 * 255, rel=1e-4)


def test_absent_structure_is_a_failure_counted_beside_the_mean(
    paired, predictions, tmp_path, prediction, labels
):
    predictions.add("p1_mr", "ct", prediction, label=np.where(labels == 2, 0, labels), patient="p1")
    report = evaluate(paired, predictions, tmp_path, structures={"2": "femur", "7": "bladder"})
    found = values(report)
    assert found["dice", "femur"] == 0.0
    assert math.isnan(found["hausdorff95", "femur"])
    assert found["dice", "1"] == 1.0
    assert math.isnan(found["dice", "bladder"])
    entries = {(entry["metric"], entry["structure"]): entry for entry in report.summary["metrics"]}
    femur, bladder = entries["hausdorff95", "femur"], entries["dice", "bladder"]
    assert (femur["failures"], femur["undefined"], femur["patients"]) == (1, 1, 0)
    assert (bladder["failures"], bladder["not_applicable"]) == (0, 1)
    blank = next(
        row for row in table(tmp_path) if row["metric"] == "hausdorff95" and row["structure"] == "femur"
    )
    assert blank["value"] == ""
    assert blank["conventions"].startswith("failure; absent in prediction")


def test_labels_of_the_source_judge_an_unpaired_translation(
    cohort, predictions, tmp_path, mr, labels, prediction
):
    cohort.add("q1_mr", "mr", mr, label=labels)
    predictions.add("q1_mr", "ct", prediction, label=labels, patient="q1")
    report = evaluate(cohort, predictions, tmp_path)
    assert values(report)["dice", "2"] == 1.0
    assert [message[:9] for _, message in report.failed] == ["unpaired:"]


def test_cases_of_one_patient_count_once(cohort, predictions, tmp_path, reference):
    for name, error in (("a1_ct", 10.0), ("a2_ct", 30.0), ("b1_ct", 80.0)):
        cohort.add(name, "ct", reference, patient=name[0])
        predictions.add(name, "ct", reference + error, patient=name[0])
    report = evaluate(cohort, predictions, tmp_path)
    (entry,) = [entry for entry in report.summary["metrics"] if entry["metric"] == "hu_mae"]
    assert entry["patients"] == 2
    assert entry["mean"] == pytest.approx((20 + 80) / 2, rel=1e-5)


def test_a_broken_file_never_stops_the_rest(paired, predictions, tmp_path, prediction):
    predictions.add("p1_mr", "ct", prediction, patient="p1")
    broken = prediction.copy()
    broken[3, 3, 3] = np.nan
    predictions.add("p1_ct", "ct", broken, patient="p1")
    report = evaluate(paired, predictions, tmp_path)
    assert {name for name, _ in report.failed} == {"p1_ct"}
    assert any(row.case == "p1_mr" for row in report.measurements)


def test_a_domain_without_window_is_refused_before_anything_is_written(
    paired, predictions, tmp_path, prediction
):
    predictions.add("p1_mr", "ct", prediction, patient="p1")
    with pytest.raises(ValueError, match=r"window for domain 'ct', found windows for \['mr'\]"):
        evaluate(paired, predictions, tmp_path, windows={"mr": PercentileWindow()})
    assert not (tmp_path / "out").exists()


def test_a_damaged_record_is_named(cohort, predictions, tmp_path, mr):
    cohort.add("p1_mr", "mr", mr, window={"low": 5.0})
    predictions.add("p1_mr", "mr", mr, patient="p1")
    ((_, message),) = evaluate(cohort, predictions, tmp_path).failed
    assert "p1_mr.json" in message
    assert "prepare the case again" in message


def test_one_patient_alone_leaves_null_where_there_is_no_spread(paired, predictions, tmp_path, prediction):
    predictions.add("p1_mr", "ct", prediction, patient="p1")
    report = evaluate(paired, predictions, tmp_path)
    (entry,) = [entry for entry in report.summary["metrics"] if entry["metric"] == "hu_mae"]
    assert (entry["sd"], entry["interval"]) == (None, [None, None])
    assert math.isfinite(entry["mean"])
    json.dumps(report.summary, allow_nan=False)


def test_the_summary_names_files_without_their_folders(paired, predictions, tmp_path, prediction):
    """A folder's name may be a patient's."""
    broken = prediction.copy()
    broken[3, 3, 3] = np.nan
    predictions.add("p1_mr", "ct", broken, patient="p1").add("p9_mr", "ct", prediction)
    report = evaluate(paired, predictions, tmp_path)
    text = (tmp_path / "out" / "summary.json").read_text()
    assert str(tmp_path) not in text
    assert "p1_mr.nii.gz" in text
    assert "cohort.csv has no case" in text
    assert any(str(tmp_path) in message for _, message in report.failed)
