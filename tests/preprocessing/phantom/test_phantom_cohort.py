"""A cohort on disk: same seed, same bytes; tables that load; truth that fits its scan."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from preprocessing.cohort import read_cohort
from preprocessing.grid import grid_of
from preprocessing.phantom.acquisition import CT_NOISE
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.cohort import write_phantom_cohort
from preprocessing.phantom.labels import LABEL_IDS
from preprocessing.phantom.patient import Patient
from preprocessing.phantom.scanning import ScanOrder, write_scan
from preprocessing.volume import read_labels, read_volume

ASKED = {"mr": 2, "ct": 2, "pairs": 1, "labelled_ct": 1, "seed": 3, "size": 24, "progress": False}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("hips") / "cohort"
    assert write_phantom_cohort(out, **ASKED) == out / "cohort.csv"
    return out


def array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)


def test_same_seed_same_bytes_whatever_the_workers(folder, tmp_path):
    write_phantom_cohort(tmp_path / "again", **ASKED, workers=2)
    assert contents(tmp_path / "again") == contents(folder)


def test_another_seed_is_another_cohort(folder, tmp_path):
    order = ScanOrder(case="mr_001", domain="mr", split="train", seed=4, size=24)
    write_scan(order, tmp_path)
    other, own = contents(tmp_path), contents(folder)
    assert set(other) <= set(own)
    assert not [name for name in other if other[name] == own[name]]


def test_a_larger_cohort_contains_the_smaller(folder, tmp_path):
    write_phantom_cohort(tmp_path / "one", mr=1, ct=0, pairs=0, seed=3, size=24, progress=False)
    whole = contents(folder)
    scans = {name: data for name, data in contents(tmp_path / "one").items() if "/" in name}
    assert len(scans) == 6
    assert all(whole[name] == data for name, data in scans.items())


def test_shift_leaves_the_mr_alone_and_moves_the_ct(folder, tmp_path):
    write_phantom_cohort(tmp_path / "s", mr=1, ct=1, pairs=0, seed=3, size=24, shift=1.0, progress=False)
    plain, moved = contents(folder), contents(tmp_path / "s")
    assert moved["images/mr_001.nii.gz"] == plain["images/mr_001.nii.gz"]
    assert moved["images/ct_001.nii.gz"] != plain["images/ct_001.nii.gz"]


def test_tables_load_and_say_what_was_asked(folder):
    cohort = read_cohort(folder)
    assert [case.case for case in cohort] == [
        "mr_001",
        "mr_002",
        "ct_001",
        "ct_002",
        "pair_001_mr",
        "pair_001_ct",
    ]
    assert cohort.domains == ("ct", "mr")
    assert [case.case for case in cohort if case.label] == ["ct_001", "pair_001_mr", "pair_001_ct"]
    assert {case.case for case in cohort.select(split="test")} == {"pair_001_mr", "pair_001_ct"}
    assert cohort.partner(cohort["pair_001_mr"]) == cohort["pair_001_ct"]
    truth = read_cohort(folder / "truth.csv")
    assert [case.case for case in truth.select(domain="mr")] == ["mr_001", "mr_002", "pair_001_mr"]
    assert all(truth.partner(case).patient == case.patient for case in truth)


def test_a_killed_rewrite_leaves_no_table_over_mixed_images(tmp_path, monkeypatch):
    asked = {"mr": 1, "ct": 0, "pairs": 0, "size": 16, "progress": False}
    write_phantom_cohort(tmp_path, **asked)

    def stop(*_) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("preprocessing.phantom.cohort.write_scan", stop)
        with pytest.raises(KeyboardInterrupt):
            write_phantom_cohort(tmp_path, **asked, seed=1)
    assert not list(tmp_path.glob("*.csv"))
    write_phantom_cohort(tmp_path, **asked, seed=1)
    assert len(read_cohort(tmp_path)) == 1


def test_a_cohort_that_is_no_phantom_is_not_overwritten(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,patient\n")
    with pytest.raises(ValueError, match=r"found .*cohort\.csv and no phantom\.json"):
        write_phantom_cohort(tmp_path, mr=1, ct=0, pairs=0, size=16, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["cohort.csv"]
    assert (tmp_path / "cohort.csv").read_text() == "case,patient\n"


def test_one_in_eight_mr_is_for_validation(tmp_path, monkeypatch):
    monkeypatch.setattr("preprocessing.phantom.cohort._write_all", lambda *_, **__: None)
    monkeypatch.setattr("preprocessing.phantom.cohort.write_cohort", lambda table, rows: found.append(rows))
    found = []
    write_phantom_cohort(tmp_path, mr=16, ct=3, pairs=0, labelled_mr=2)
    rows = found[-1]
    assert [row.case for row in rows if row.split == "validation"] == ["mr_008", "mr_016"]
    assert [row.case for row in rows if row.label] == ["mr_001", "mr_002"]


def test_truth_lies_on_its_scans_lattice_and_in_its_pose(folder):
    truth = read_cohort(folder / "truth.csv")
    for scan in truth.select(domain="mr"):
        partner = truth.partner(scan)
        image, ct, labels = read_volume(scan.image), read_volume(partner.image), read_labels(scan.label)
        assert not grid_of(image).difference(grid_of(ct))
        assert not grid_of(image).difference(grid_of(labels))
        femur = sitk.GetArrayFromImage(labels) == LABEL_IDS["femur_left"]
        voxels = sitk.GetArrayFromImage(ct)
        assert voxels[femur].mean() > voxels[voxels > -500].mean() + 150


def test_noise_free_truth_has_no_noise(folder):
    scan, truth = array(folder / "images/ct_001.nii.gz"), array(folder / "truth/ct_001_ct.nii.gz")
    inside = truth > -150
    # Where the truth is flat to the sampling, the difference is the noise; edges add the point spread.
    residual = (scan - truth)[inside]
    assert np.median(np.abs(residual)) / 0.6745 == pytest.approx(CT_NOISE[0], abs=8)
    mr, clean = array(folder / "images/mr_001.nii.gz"), array(folder / "truth/mr_001_mr.nii.gz")
    bias = array(folder / "truth/mr_001_bias.nii.gz")
    bright = clean > 60
    ratio = mr[bright] / (clean * bias)[bright]
    assert ratio.std() < 0.05


def test_images_show_a_coronal_slab(folder):
    image = sitk.ReadImage(str(folder / "images/mr_001.nii.gz"))
    direction = np.reshape(image.GetDirection(), (3, 3))
    assert direction[0, 0] > 0.99  # columns to the patient's left
    assert direction[2, 1] < -0.99  # rows to the foot
    assert direction[1, 2] > 0.99  # slices to the back


def test_description_replays_every_patient(folder):
    said = json.loads((folder / "phantom.json").read_text())
    assert said["arguments"]["seed"] == 3
    assert {entry["name"]: entry["id"] for entry in said["labels"]} == LABEL_IDS
    patient = Patient(**said["cases"]["mr_002"]["drawn"])
    marks = json.loads((folder / "truth/mr_002_landmarks.json").read_text())
    assert (marks["frame"], marks["unit"]) == ("LPS", "mm")
    replayed = HipAnatomy(patient).landmarks()
    assert marks["points"].keys() == replayed.keys()
    for name, point in marks["points"].items():
        assert point == pytest.approx(replayed[name], abs=1e-3)


def test_second_scan_in_another_pose_fits_its_own_landmarks(tmp_path):
    order = ScanOrder(case="pair_001_mr", domain="mr", split="test", seed=3, size=16, moving_pose=5.0)
    write_scan(order, tmp_path)
    fixed = json.loads((tmp_path / "truth/pair_001_mr_landmarks.json").read_text())["points"]
    moving = json.loads((tmp_path / "truth/pair_001_moving_landmarks.json").read_text())["points"]
    still, moved = "femoral_head_centre_left", "lesser_trochanter_left"
    assert moving[still] == pytest.approx(fixed[still], abs=1e-3)
    assert np.linalg.norm(np.subtract(moving[moved], fixed[moved])) > 0.5
    labels = read_labels(tmp_path / "truth/pair_001_moving_label.nii.gz")
    index = labels.TransformPhysicalPointToIndex(moving[still])
    assert labels[index] == LABEL_IDS["femur_left"]


def test_nothing_is_left_beside_the_files(folder):
    assert not [name for name in contents(folder) if Path(name).name.startswith(".")]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mr": -1}, "expected mr to be 0 or more, found -1"),
        ({"mr": 0, "ct": 0, "pairs": 0}, "at least one patient"),
        ({"labelled_mr": 3}, "labelled_mr to be at most mr=2, found 3"),
        ({"size": 8}, "expected size to be 16 or more, found 8"),
        ({"shift": 2.0}, "shift in 0..1"),
        ({"seed": -5}, "expected seed to be 0 or more, found -5"),
    ],
)
def test_wrong_arguments_are_named_and_nothing_is_written(tmp_path, wrong, message):
    arguments = {"mr": 2, "ct": 1, "pairs": 0, "progress": False} | {"labelled_ct": 0} | wrong
    with pytest.raises(ValueError, match=message):
        write_phantom_cohort(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
