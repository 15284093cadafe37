"""The phantom as a hospital's export: what is in the tree is the patient that the truth describes."""

import csv
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_referees import assert_same_volume, converted, faults
from laws import SAME_PLACE_MM

from preprocessing.dicom.read import read_series
from preprocessing.grid import grid_of
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.axial_scans import GANTRY_TILT
from preprocessing.phantom.cohort import write_phantom_cohort
from preprocessing.phantom.dicom_scanning import write_dicom_patient
from preprocessing.phantom.labels import LABEL_IDS
from preprocessing.phantom.objects import COUCH_HU, IMPLANT_HU, IMPLANT_RADIUS, IMPLANT_REACH
from preprocessing.phantom.scanning import ScanOrder, scan_grid, write_scan
from preprocessing.volume import read_labels, read_volume

pytestmark = pytest.mark.timeout(400)  # the export is made once, for whichever test comes first

SIZE = 24
ASKED = {"mr": 1, "ct": 4, "pairs": 1, "seed": 3, "size": SIZE, "progress": False}
GAP = 256 / SIZE
"""mm between the slices of a regular CT of this size."""
CT_KINDS = ["gaps", "tilted", "enhanced", "regular"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("hips") / "export"
    assert write_phantom_cohort(out, **ASKED, file_format="dicom") == out / "truth/series.csv"
    return out


@pytest.fixture(scope="module")
def rows(folder):
    with (folder / "truth/series.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def row_of(rows, **wanted):
    (row,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return row


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def array(path):
    return sitk.GetArrayFromImage(read_volume(path))


def on_grid(image, path, *, outside):
    """A truth volume at the voxels of an image, nearest neighbour."""
    truth = sitk.ReadImage(str(path))
    return sitk.GetArrayFromImage(
        sitk.Resample(truth, image, sitk.Transform(), sitk.sitkNearestNeighbor, outside)
    )


@pytest.mark.slow
def test_same_arguments_same_bytes_whatever_the_workers(tmp_path):
    asked = {"mr": 1, "ct": 1, "pairs": 0, "size": 16, "progress": False, "file_format": "dicom"}
    for name, workers in (("once", 0), ("again", 2)):
        write_phantom_cohort(tmp_path / name, **asked, workers=workers)
    assert contents(tmp_path / "again") == contents(tmp_path / "once")


@pytest.mark.slow
def test_a_larger_export_contains_the_smaller(folder, tmp_path):
    write_phantom_cohort(tmp_path / "one", **(ASKED | {"ct": 1, "pairs": 0, "mr": 0}), file_format="dicom")
    whole, part = contents(folder), contents(tmp_path / "one/dicom")
    patients = {name: data for name, data in part.items() if "/" in name}
    assert len(patients) > 10
    assert all(whole[f"dicom/{name}"] == data for name, data in patients.items())


def test_the_table_names_every_series_of_the_tree(folder, rows):
    found = {}
    for path in (folder / "dicom").rglob("*"):
        if path.is_file() and path.parent != folder / "dicom":
            data = pydicom.dcmread(path, stop_before_pixels=True)
            found.setdefault(data.SeriesInstanceUID, []).append((path, data))
    assert set(found) == {row["series_uid"] for row in rows}
    for row in rows:
        files = found[row["series_uid"]]
        assert len(files) == int(row["files"])
        assert {path.parent for path, _ in files} == {folder / row["folder"]}
        for _, data in files:
            said = (data.StudyInstanceUID, data.PatientID, data.Modality)
            assert said == (row["study_uid"], row["patient_id"], row["modality"])
    assert len({data.SOPInstanceUID for files in found.values() for _, data in files}) == sum(
        len(files) for files in found.values()
    )


def test_the_export_holds_what_an_archive_holds(folder, rows):
    kinds = {row["case"]: row["kind"] for row in rows if row["case"]}
    assert kinds == {
        "mr_001": "coronal",
        **dict(zip(("ct_001", "ct_002", "ct_003", "ct_004"), CT_KINDS, strict=True)),
        "pair_001_mr": "coronal",
        "pair_001_moving": "pair",
    }
    junk = sorted(row["kind"] for row in rows if not row["case"])
    assert junk == ["dose_report"] * 5 + ["localizer"] * 2 + ["screen_shot"] * 5
    assert (folder / "dicom/README.TXT").read_text().startswith("Export of a digital phantom")
    assert pydicom.dcmread(folder / "dicom/DICOMDIR").FileSetID == "PHANTOM"
    # No case, modality or order shows in a name.
    names = [part for path in (folder / "dicom").rglob("*") for part in path.relative_to(folder).parts[1:]]
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in set(names) - {"README.TXT", "DICOMDIR"})
    assert not [name for name in contents(folder) if Path(name).name.startswith(".")]


def test_patients_are_clearly_no_patients_and_a_pair_is_one(rows, folder):
    patients = {row["patient"]: row["patient_id"] for row in rows}
    assert len(set(patients.values())) == len(patients) == 6
    for path in (folder / "dicom").rglob("*"):
        if path.is_file() and path.parent != folder / "dicom":
            data = pydicom.dcmread(path, stop_before_pixels=True)
            assert data.PatientID.startswith("PHANTOM-")
            assert str(data.PatientName).startswith("PHANTOM^")
    mr, ct = row_of(rows, case="pair_001_mr"), row_of(rows, case="pair_001_moving")
    assert mr["patient_id"] == ct["patient_id"]
    assert mr["study_uid"] != ct["study_uid"]
    frames = [
        pydicom.dcmread(next((folder / row["folder"]).iterdir()), stop_before_pixels=True).FrameOfReferenceUID
        for row in (mr, ct)
    ]
    assert frames[0] != frames[1]


def test_the_mr_is_that_of_the_nifti_phantom(folder, rows, tmp_path):
    order = ScanOrder(case="mr_001", domain="mr", split="train", seed=3, size=SIZE)
    write_scan(order, tmp_path)
    expected = sitk.ReadImage(str(tmp_path / "images/mr_001.nii.gz"))
    row = row_of(rows, case="mr_001")
    images, _ = converted(folder / row["folder"], tmp_path / "out")
    values = sitk.GetArrayFromImage(expected)
    assert_same_volume(images[""], values, scan_grid(HipAnatomy(order.draw()), size=SIZE))
    for name in ("label", "ct", "mr", "bias"):
        stored = tmp_path / ("labels/mr_001.nii.gz" if name == "label" else f"truth/mr_001_{name}.nii.gz")
        assert (folder / row[name]).read_bytes() == stored.read_bytes()


@pytest.mark.parametrize("kind", [*CT_KINDS, "pair"])
def test_a_ct_that_is_read_shows_the_patient_of_its_truth(kind, folder, rows):
    row = row_of(rows, kind=kind)
    image = read_series(folder / row["folder"]).image
    voxels = sitk.GetArrayFromImage(image)
    labels = on_grid(image, folder / row["label"], outside=0)
    truth = on_grid(image, folder / row["ct"], outside=-1000)
    couch = on_grid(image, folder / row["couch"], outside=0) > 0
    # Thick slices, blur and noise remain; a slip by a voxel or a turned axis would show as hundreds of HU.
    seen = (truth > -500) & ~couch & (voxels > -1000)
    assert seen.mean() > 0.1
    assert np.corrcoef(voxels[seen], truth[seen])[0, 1] > 0.8
    assert np.median(np.abs(voxels - truth)[seen]) < 40
    for side in ("left", "right"):
        assert voxels[labels == LABEL_IDS[f"femur_{side}"]].mean() > 250
    marks = json.loads((folder / row["landmarks"]).read_text())["points"]
    for side in ("left", "right"):
        point = marks[f"femoral_head_centre_{side}"]
        assert labels.transpose()[image.TransformPhysicalPointToIndex(point)] == LABEL_IDS[f"femur_{side}"]


@pytest.mark.parametrize("kind", ["regular", "pair"])
def test_dcm2niix_and_our_reader_agree_on_a_plain_ct(kind, folder, rows, tmp_path):
    row = row_of(rows, kind=kind)
    images, _ = converted(folder / row["folder"], tmp_path / "out")
    volume = read_series(folder / row["folder"]).image
    assert_same_volume(images[""], sitk.GetArrayFromImage(volume), grid_of(volume))
    # The truth lies on the lattice of the scan.
    assert not grid_of(volume).difference(grid_of(read_labels(folder / row["label"])))


def slices_in(folder):
    found = [pydicom.dcmread(path) for path in folder.iterdir()]
    return sorted(found, key=lambda data: float(data.ImagePositionPatient[2]))


def test_gaps_are_2_6_and_1_times_the_scale_and_padded_round_a_circle(folder, rows):
    slices = slices_in(folder / row_of(rows, kind="gaps")["folder"])
    gaps = np.diff([float(data.ImagePositionPatient[2]) for data in slices])
    runs = gaps[np.flatnonzero(np.diff(gaps, prepend=0).round(6))]
    np.testing.assert_allclose(runs, [GAP / 2, 3 * GAP, GAP], rtol=1e-6)
    thickness = {float(data.SliceThickness) for data in slices}
    np.testing.assert_allclose(sorted(thickness), [GAP / 2, GAP, 3 * GAP], rtol=1e-6)
    stored = slices[len(slices) // 2].pixel_array
    padded = stored == slices[0].PixelPaddingValue
    assert padded.mean() == pytest.approx(1 - np.pi / 4, abs=0.02)
    assert stored[~padded].min() >= 0
    np.testing.assert_array_equal(padded, padded[::-1, ::-1])


def test_the_gantry_leans_and_the_table_does_not(folder, rows, tmp_path):
    row = row_of(rows, kind="tilted")
    slices = slices_in(folder / row["folder"])
    positions = np.array([data.ImagePositionPatient for data in slices], float)
    np.testing.assert_allclose(np.diff(positions, axis=0), [[0, 0, GAP]] * (len(slices) - 1), atol=1e-6)
    lean = np.degrees(np.arctan2(*np.array(slices[0].ImageOrientationPatient, float)[[5, 4]]))
    assert lean == pytest.approx(slices[0].GantryDetectorTilt, abs=1e-6)
    assert lean == pytest.approx(GANTRY_TILT, abs=1e-6)
    _, said = converted(folder / row["folder"], tmp_path / "out")
    assert f"estimated from slice vector {-GANTRY_TILT:g}" in said


def test_frames_of_the_enhanced_ct_stand_in_no_order(folder, rows):
    (path,) = (folder / row_of(rows, kind="enhanced")["folder"]).iterdir()
    data = pydicom.dcmread(path)
    heights = [
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        for frame in data.PerFrameFunctionalGroupsSequence
    ]
    assert not np.all(np.diff(heights) > 0)
    assert not np.all(np.diff(heights) < 0)
    np.testing.assert_allclose(np.diff(np.sort(heights)), GAP, atol=1e-6)


@pytest.mark.parametrize("kind", CT_KINDS)
def test_the_couch_lies_below_the_body_with_air_between(kind, folder, rows):
    row = row_of(rows, kind=kind)
    couch, truth = array(folder / row["couch"]) > 0, array(folder / row["ct"])
    body = truth > -500
    assert couch.any(axis=(1, 2)).all()
    assert not array(folder / row["label"])[couch].any()
    assert truth[couch].max() < -900
    for plane, inside in zip(couch, body, strict=True):
        for column in np.flatnonzero(plane.any(axis=0) & inside.any(axis=0)):
            lowest, highest = np.flatnonzero(inside[:, column])[-1], np.flatnonzero(plane[:, column])[0]
            assert highest - lowest >= 2


def test_the_couch_is_in_the_scan(folder, rows):
    row = row_of(rows, kind="regular")
    couch = array(folder / row["couch"]) > 0
    voxels = sitk.GetArrayFromImage(read_series(folder / row["folder"]).image)
    # A shell thinner than the pixels of this small size is mixed with air.
    assert -600 < np.median(voxels[couch]) <= COUCH_HU + 30
    assert np.median(voxels[np.roll(couch, -2, axis=1) & ~couch]) < np.median(voxels[couch])


def test_ct_of_a_pair_lies_elsewhere_and_bends_otherwise(folder, rows):
    mr, ct = (
        json.loads((folder / row_of(rows, case=case)["landmarks"]).read_text())["points"]
        for case in ("pair_001_mr", "pair_001_moving")
    )
    offsets = {name: np.subtract(ct[name], mr[name]) for name in mr}
    assert all(np.linalg.norm(offset) > 5 for offset in offsets.values())
    # The pelvis is rigid, the femurs have turned against it.
    spans = [
        [np.linalg.norm(np.subtract(points[a], points[b])) for points in (mr, ct)]
        for a, b in (
            ("ischial_tuberosity_left", "pubic_tubercle_right"),
            ("lesser_trochanter_left", "pubic_tubercle_right"),
        )
    ]
    assert spans[0][0] == pytest.approx(spans[0][1], abs=SAME_PLACE_MM)
    assert spans[1][0] != pytest.approx(spans[1][1], abs=0.1)


def test_every_kind_of_object_passes_the_standards_validator(folder, rows):
    for kind in ("coronal", "localizer", *CT_KINDS, "pair"):
        row = next(row for row in rows if row["kind"] == kind)
        assert faults(sorted((folder / row["folder"]).iterdir())[0]) == [], kind


@pytest.mark.slow
def test_an_implant_is_metal_in_one_head_and_nothing_else(tmp_path):
    order = {"case": "ct_004", "domain": "ct", "split": "train", "seed": 3, "size": SIZE}
    rows = {}
    for name, implant in (("plain", False), ("metal", True)):
        rows[name], *_ = write_dicom_patient(ScanOrder(**order, implant=implant), tmp_path / name)
    plain, metal = (tmp_path / name / rows[name].ct for name in rows)
    truth = read_volume(metal)
    dense = sitk.GetArrayFromImage(truth) > 2500
    volume = dense.sum() * np.prod(truth.GetSpacing())
    assert volume == pytest.approx(np.pi * IMPLANT_RADIUS**2 * np.diff(IMPLANT_REACH)[0], rel=0.5)
    marks = json.loads((tmp_path / "metal" / rows["metal"].landmarks).read_text())["points"]
    head = truth.TransformPhysicalPointToIndex(marks["femoral_head_centre_left"])
    assert dense.transpose()[head]
    middle = truth.TransformPhysicalPointToIndex(marks["femoral_head_centre_right"])
    assert not dense.transpose()[middle]
    changed = array(plain) != array(metal)
    near = sitk.GetArrayFromImage(
        sitk.BinaryDilate(sitk.GetImageFromArray(dense.astype(np.uint8)), [2, 2, 2])
    )
    assert not (changed & (near == 0)).any()
    seen = sitk.GetArrayFromImage(read_series(tmp_path / "metal" / rows["metal"].folder).image)
    assert IMPLANT_HU - 300 < seen.max() <= 3071


def test_an_implant_is_black_in_the_mr(tmp_path):
    order = ScanOrder(case="mr_001", domain="mr", split="train", seed=3, size=SIZE, implant=True)
    write_scan(order, tmp_path)
    mr, ct = array(tmp_path / "truth/mr_001_mr.nii.gz"), array(tmp_path / "truth/mr_001_ct.nii.gz")
    assert (ct > 2900).sum() > 20
    assert mr[ct > 2900].max() < 10


def test_another_tree_is_not_overwritten(tmp_path):
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom/scan").write_text("a patient's")
    with pytest.raises(ValueError, match=r"found .*dicom and no phantom\.json"):
        write_phantom_cohort(tmp_path, mr=1, ct=0, pairs=0, size=16, progress=False, file_format="dicom")
    assert [path.name for path in tmp_path.rglob("*")] == ["dicom", "scan"]


@pytest.mark.slow
def test_an_export_is_written_again_after_it_was_killed(tmp_path, monkeypatch):
    asked = {"mr": 1, "ct": 0, "pairs": 0, "size": 16, "progress": False, "file_format": "dicom"}
    write_phantom_cohort(tmp_path, **asked)
    whole = contents(tmp_path)

    def stop(*_) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("preprocessing.phantom.dicom_cohort.write_dicom_patient", stop)
        with pytest.raises(KeyboardInterrupt):
            write_phantom_cohort(tmp_path, **asked)
    assert not (tmp_path / "truth/series.csv").exists()
    write_phantom_cohort(tmp_path, **asked)
    assert contents(tmp_path) == whole


def test_a_format_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="file_format to be one of nifti, dicom, found 'png'"):
        write_phantom_cohort(tmp_path / "out", mr=1, ct=0, pairs=0, file_format="png")
    assert not (tmp_path / "out").exists()
