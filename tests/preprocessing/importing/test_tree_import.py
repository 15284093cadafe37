"""An import writes each volume once, survives being stopped anywhere, and lists what it refuses."""

import csv
import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_toys import CORONAL, counted, header, mr, save, toy_series
from laws import tissue, volume
from toys import toy_grid

from preprocessing.dicom.errors import REASONS
from preprocessing.dicom.read import read_series
from preprocessing.importing import conversion, headers, tables, tree_import
from preprocessing.importing.crew import Lost
from preprocessing.importing.identities import IdentitiesError
from preprocessing.importing.tree_import import ImportReport, TreeImport, TreeImportError
from preprocessing.nifti import read_header
from preprocessing.patient_of_path import PatientOfPathError
from preprocessing.volume import write_volume

PLACES = (0, 2, 4, 6)
SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.11"


def run(source: Path, output: Path, **options) -> ImportReport:
    return TreeImport(source=source, output=output, workers=0, **options).run()


def rows(output: Path, table: str = "series.csv") -> list[dict[str, str]]:
    with (output / table).open(newline="") as stream:
        return list(csv.DictReader(stream))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def ages(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def scan(path: Path) -> Path:
    write_volume(volume(toy_grid((4, 3, 5)), tissue), path)
    return path


@pytest.fixture
def tree(tmp_path) -> Path:
    """A CT and an MR of one patient, a CT of another, and a NIfTI volume."""
    source = tmp_path / "export"
    toy_series(source / "A", PLACES, FrameOfReferenceUID="1.2.3", SeriesDescription="Pelvis B30f 2.0")
    toy_series(source / "A", PLACES, prefix="other", orientation=CORONAL, **mr(SeriesInstanceUID="1.2.4"))
    toy_series(source / "B" / "C", PLACES, PatientID="another", SeriesInstanceUID="1.2.5")
    (source / "nifti" / "deep").mkdir(parents=True)
    scan(source / "nifti" / "deep" / "x_T1w.nii.gz")
    (source / "README.txt").write_text("no image")
    return source


def test_volumes_are_those_of_the_reader_and_rows_describe_them(tree, tmp_path):
    report = run(tree, tmp_path / "out")
    assert (len(report.imported), report.rejected, report.ignored) == (4, (), 1)
    (row,) = [row for row in rows(tmp_path / "out") if row["kernel"] == "" and "Pelvis" in row["description"]]
    shutil.copytree(tree / "A", tmp_path / "ct", ignore=shutil.ignore_patterns("other*"))
    expected = read_series(tmp_path / "ct").image
    written = sitk.ReadImage(str(tmp_path / "out" / row["image"]))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(written), sitk.GetArrayFromImage(expected))
    np.testing.assert_allclose(written.GetSpacing(), expected.GetSpacing(), atol=1e-5)
    np.testing.assert_allclose(written.GetOrigin(), expected.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(written.GetDirection(), expected.GetDirection(), atol=1e-6)
    assert written.GetPixelID() == sitk.sitkInt16
    assert row["description"] == "Pelvis B30f 2.0"
    assert (row["modality"], row["plane"], row["files"], row["repaired"]) == ("CT", "axial", "4", "no")
    size = tuple(int(row[name]) for name in ("columns", "rows", "slices"))
    assert size == expected.GetSize()
    assert [float(row[f"spacing_{axis}"]) for axis in "xyz"] == list(expected.GetSpacing())
    assert [float(row[f"extent_{axis}"]) for axis in "xyz"] == [
        count * width for count, width in zip(size, expected.GetSpacing(), strict=True)
    ]


def test_patients_share_a_folder_and_planes_are_told(tree, tmp_path):
    run(tree, tmp_path / "out")
    listed = rows(tmp_path / "out")
    assert len({row["patient"] for row in listed}) == 3
    assert {row["plane"] for row in listed if row["modality"] == "MR"} == {"coronal"}
    assert all(row["image"] == f"{row['patient']}/{row['series']}.nii.gz" for row in listed)
    (plain,) = [row for row in listed if row["format"] == "nifti"]
    assert (plain["description"], plain["study"]) == ("T1w", "")
    references = {row["frame_of_reference"] for row in listed}
    assert len(references) == 3
    assert "1.2.3" not in references


def test_second_run_writes_nothing(tree, tmp_path):
    first = run(tree, tmp_path / "out")
    before = ages(tmp_path / "out")
    second = run(tree, tmp_path / "out")
    assert second.imported == ()
    assert set(second.unchanged) == set(first.imported)
    assert ages(tmp_path / "out") == before


def test_only_what_changed_is_written_again(tree, tmp_path):
    run(tree, tmp_path / "out")
    before = ages(tmp_path / "out")
    toy_series(
        tree / "B" / "C",
        PLACES,
        PatientID="another",
        SeriesInstanceUID="1.2.5",
        pixels=lambda k: counted(k) + 1,
    )
    assert len(run(tree, tmp_path / "out").imported) == 1
    changed = [path.name for path, age in ages(tmp_path / "out").items() if before[path] != age]
    assert len(changed) == 2
    assert {path.split(".", 1)[1] for path in changed} == {"nii.gz", "json"}


def test_spoilt_output_is_written_again(tree, tmp_path):
    run(tree, tmp_path / "out")
    before = contents(tmp_path / "out")
    victim = next((tmp_path / "out").glob("p*/s*.nii.gz"))
    victim.write_bytes(b"spoilt")
    assert len(run(tree, tmp_path / "out").imported) == 1
    assert victim.read_bytes() == before[victim.relative_to(tmp_path / "out").as_posix()]


def test_names_and_order_of_files_change_nothing(tree, tmp_path):
    run(tree, tmp_path / "one", identities=tmp_path / "private.json")
    moved = tmp_path / "moved"
    for number, path in enumerate(sorted(tree.glob("[AB]/**/*"), reverse=True)):
        if path.is_file():
            (moved / f"{number % 3}").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, moved / f"{number % 3}" / f"IM{number:04d}")
    shutil.copytree(tree / "nifti", moved / "nifti")
    run(moved, tmp_path / "two", identities=tmp_path / "private.json")
    assert (tmp_path / "one" / "series.csv").read_bytes() == (tmp_path / "two" / "series.csv").read_bytes()
    images = [
        {k: v for k, v in contents(tmp_path / name).items() if k.endswith(".gz")} for name in ("one", "two")
    ]
    assert images[0] == images[1]


def test_imports_without_a_shared_secret_share_no_name(tree, tmp_path):
    run(tree, tmp_path / "one")
    run(tree, tmp_path / "two")
    names = [
        {row[column] for row in rows(tmp_path / out) for column in ("patient", "series")}
        for out in ("one", "two")
    ]
    assert not names[0] & names[1]


class Killed(BaseException):
    """What no `except Exception` catches, as when a process is killed."""


@pytest.mark.parametrize("moment", ["write_nifti", "write_provenance", "file_hash"])
@pytest.mark.parametrize("call", [1, 2, 4])
def test_killed_anywhere_leaves_no_half_file_and_continues(tree, tmp_path, monkeypatch, moment, call):
    run(tree, tmp_path / "whole", identities=tmp_path / "private.json")
    calls = iter(range(1, 1000))
    original = getattr(conversion, moment)

    def dying(*arguments):
        if next(calls) == call:
            raise Killed
        return original(*arguments)

    monkeypatch.setattr(conversion, moment, dying)
    with pytest.raises(Killed):
        run(tree, tmp_path / "out", identities=tmp_path / "private.json")
    monkeypatch.undo()
    left = contents(tmp_path / "out")
    whole = contents(tmp_path / "whole")
    assert all(whole[name] == data for name, data in left.items() if name.endswith(".nii.gz"))
    assert not [name for name in left if ".partial" in name or name.endswith(".csv")]
    run(tree, tmp_path / "out", identities=tmp_path / "private.json")
    assert set(contents(tmp_path / "out")) == set(whole)
    assert {k: v for k, v in contents(tmp_path / "out").items() if not k.endswith(".json")} == {
        k: v for k, v in whole.items() if not k.endswith(".json")
    }


def test_half_file_of_a_lost_machine_is_removed(tree, tmp_path):
    run(tree, tmp_path / "out")
    image = next((tmp_path / "out").glob("p*/s*.nii.gz"))
    (image.parent / f".partial.{image.name}").write_bytes(b"half")
    run(tree, tmp_path / "out")
    assert not list((tmp_path / "out").rglob(".partial*"))


def test_one_bad_series_never_stops_the_rest(tree, tmp_path, monkeypatch):
    original = conversion.read_stack

    def failing(stack, *, repair):
        if stack.modality == "MR":
            raise ZeroDivisionError("PLANTED-ID")
        return original(stack, repair=repair)

    monkeypatch.setattr(conversion, "read_stack", failing)
    report = run(tree, tmp_path / "out")
    assert len(report.imported) == 3
    (item,) = report.rejected
    assert item.reason == "failed"
    assert "ZeroDivisionError" in item.message
    assert "PLANTED" not in item.message


def test_missing_slice_is_refused_and_repaired_on_demand(tmp_path):
    toy_series(tmp_path / "in", (0, 2, 6, 8, 10))
    (item,) = run(tmp_path / "in", tmp_path / "out").rejected
    assert (item.reason, item.files, item.image) == ("missing_slice", 5, True)
    assert rows(tmp_path / "out", "rejected.csv")[0]["source"] == item.source
    assert run(tmp_path / "in", tmp_path / "out", repair=True).rejected == ()
    (row,) = rows(tmp_path / "out")
    assert (row["repaired"], row["slices"]) == ("yes", "6")
    assert row["warnings"]
    # Without repair the volume is no more what the series gives: it must not stay to be found.
    run(tmp_path / "in", tmp_path / "out")
    assert not list((tmp_path / "out").glob("p*/*"))


def test_series_with_a_damaged_end_is_not_taken_for_a_shorter_one(tmp_path):
    *_, last = toy_series(tmp_path / "in", PLACES)
    last.write_bytes(last.read_bytes()[:-30])
    report = run(tmp_path / "in", tmp_path / "out")
    assert report.imported == ()
    assert {item.reason for item in report.rejected} == {"corrupt", "truncated"}
    repaired = run(tmp_path / "in", tmp_path / "out", repair=True)
    assert len(repaired.imported) == 1
    (row,) = rows(tmp_path / "out")
    assert "damaged" in row["warnings"]
    assert row["repaired"] == "yes"


def test_objects_without_an_image_are_listed_and_are_no_failure(tree, tmp_path):
    report = header(SOPClassUID=SR_CLASS, Modality="SR", Rows=None, Columns=None)
    for number in range(3):
        save(report, tree / "A" / f"report{number}")
    (item,) = run(tree, tmp_path / "out").rejected
    assert (item.reason, item.files, item.image) == ("not_an_image", 3, False)


def test_links_loops_and_pipes_are_passed_over(tree, tmp_path):
    outside = tmp_path / "outside"
    toy_series(outside, PLACES, SeriesInstanceUID="1.2.99")
    (tree / "away").symlink_to(outside)
    (tree / "A" / "loop").symlink_to(tree)
    (tree / "A" / "file").symlink_to(outside / "slice000")
    (tree / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tree / "pipe")
    report = run(tree, tmp_path / "out")
    assert (len(report.imported), report.links, report.rejected) == (4, 4, ())


def test_folder_that_cannot_be_listed_is_rejected(tree, tmp_path, monkeypatch):
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == "B":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report = run(tree, tmp_path / "out")
    assert [item.reason for item in report.rejected] == ["unreadable"]
    assert len(report.imported) == 3


def test_output_inside_the_source_is_not_imported_again(tree):
    first = run(tree, tree / "out")
    second = run(tree, tree / "out")
    assert set(second.unchanged) == set(first.imported)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # pydicom, where the toy is written
def test_hostile_names_lead_nowhere(tmp_path):
    hostile = {"PatientID": "../../../x", "StudyInstanceUID": "/etc", "SeriesInstanceUID": "../y"}
    toy_series(tmp_path / "in" / "a", PLACES, SeriesDescription="../../z\0", PatientName="..", **hostile)
    run(tmp_path / "in", tmp_path / "deep" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"in", "deep"}
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"out"}
    names = {
        path.relative_to(tmp_path / "deep" / "out").as_posix() for path in (tmp_path / "deep").rglob("*")
    }
    assert all(name[0] in "p.srio" for name in names)
    (row,) = rows(tmp_path / "deep" / "out")
    assert row["description"] == ""


def test_volumes_of_an_import_make_a_cohort(tree, tmp_path):
    run(tree, tmp_path / "out")
    for row in rows(tmp_path / "out"):
        path = tmp_path / "out" / row["image"]
        assert read_header(path).grid.size == tuple(int(row[name]) for name in ("columns", "rows", "slices"))
        record = json.loads(path.with_name(f"{row['series']}.json").read_text())
        assert {**dict.fromkeys(row, ""), **record["notes"]["row"]} == row


def test_wrong_use_is_said_before_anything_is_written(tree, tmp_path):
    with pytest.raises(TreeImportError, match="expected a folder"):
        run(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(TreeImportError, match="outside the source"):
        run(tree, tree)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / tables.SERIES_TABLE).write_text("a,b\n1,2\n")
    with pytest.raises(TreeImportError, match="found another"):
        run(tree, tmp_path / "mine")
    assert not (tmp_path / "out").exists()


def test_lost_or_spoilt_private_file_is_never_replaced(tree, tmp_path):
    run(tree, tmp_path / "out")
    private = tmp_path / "out" / "identities.json"
    kept = private.read_bytes()
    private.write_bytes(kept[:50])
    with pytest.raises(IdentitiesError, match="restore it"):
        run(tree, tmp_path / "out")
    private.unlink()
    with pytest.raises(TreeImportError, match="restore it"):
        run(tree, tmp_path / "out")
    private.write_bytes(kept)
    assert run(tree, tmp_path / "out").imported == ()


def test_volume_of_a_series_that_is_gone_is_counted(tree, tmp_path):
    run(tree, tmp_path / "out")
    shutil.rmtree(tree / "B")
    report = run(tree, tmp_path / "out")
    assert (report.left_over, len(rows(tmp_path / "out"))) == (1, 3)


def test_object_of_a_kind_that_does_not_exist_is_a_damaged_image(tree, tmp_path):
    broken = header(SOPClassUID="1.2.840.10008.5.1.4.1.1.2.999", SeriesInstanceUID="1.2.77")
    save(broken, tree / "A" / "broken")
    (item,) = run(tree, tmp_path / "out").rejected
    assert (item.reason, item.image) == ("corrupt", True)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_mutated_scans_are_imported_or_refused_and_never_stop_a_run(real_data, tmp_path, seed):
    """100 copies of shared series with bytes changed or cut off, a quarter for each seed."""
    draw = random.Random(seed)
    kinds = [
        *("dicom2nifti/generic_anatomical/001", "dicom2nifti/siemens_multiframe/001", "dcm_qa_12bit/In"),
        *("dicom2nifti/generic_anatomical/002_non_isotropic", "volume_rendering_stroke"),
    ]
    for number in range(25):
        for path in filter(Path.is_file, sorted((real_data / kinds[number % len(kinds)]).iterdir())):
            data = bytearray(path.read_bytes())
            reach = min(len(data), draw.choice([400, 2000, 6000, len(data)]))
            for _ in range(draw.choice([0, 1, 3, 30, 300])):
                data[draw.randrange(reach)] = draw.randrange(256)
            end = draw.randrange(len(data)) if draw.random() < 0.1 else len(data)
            (tmp_path / "in" / f"{number}").mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / f"{number}" / path.name).write_bytes(data[:end])
    report = run(tmp_path / "in", tmp_path / "out")
    assert report.imported
    assert report.rejected
    assert {item.reason for item in report.rejected} <= {*REASONS, "unusable_volume"}
    assert all(item.message.isprintable() and str(tmp_path) not in item.message for item in report.rejected)
    for row in rows(tmp_path / "out"):
        path = tmp_path / "out" / row["image"]
        assert read_header(path).grid.size == tuple(int(row[name]) for name in ("columns", "rows", "slices"))


def test_expression_finds_patients_of_plain_files_and_one_without_is_listed(tmp_path):
    for name in ("sub-1/x.nii.gz", "sub-1/y.nii.gz", "deep/sub-2/x.nii.gz", "other/x.nii.gz"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        scan(tmp_path / "in" / name)
    report = run(tmp_path / "in", tmp_path / "out", patient=r"sub-(\d+)")
    (item,) = report.rejected
    assert (item.reason, item.image) == ("no_patient", True)
    assert "other" not in item.message
    assert sorted(Counter(row["patient"] for row in rows(tmp_path / "out")).values()) == [1, 2]
    with pytest.raises(PatientOfPathError, match="regular expression"):
        run(tmp_path / "in", tmp_path / "new", patient="(")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("reason", ["crashed", "timed_out"])
def test_series_that_takes_its_worker_with_it_is_listed(tree, tmp_path, monkeypatch, reason):
    def losing(function, items, *, workers, seconds):
        yield from ((n, Lost(reason) if n == 1 else function(item)) for n, item in enumerate(items))

    monkeypatch.setattr(tree_import, "work_through", losing)
    report = run(tree, tmp_path / "out")
    assert [(item.reason, item.image) for item in report.rejected] == [(reason, True)]
    assert len(report.imported) == 3


@pytest.mark.parametrize("reason", ["crashed", "timed_out"])
def test_file_that_takes_its_worker_with_it_costs_no_other(tree, tmp_path, monkeypatch, reason):
    (tree / "A" / "worst.dcm").write_bytes(b"x")

    def losing(function, items, *, workers, seconds):
        for number, paths in enumerate(items):
            deadly = any(path.name == "worst.dcm" for path in paths)
            yield number, Lost(reason) if deadly else function(paths)

    monkeypatch.setattr(headers, "work_through", losing)
    report = run(tree, tmp_path / "out")
    assert [(item.reason, item.files) for item in report.rejected] == [(reason, 1)]
    assert len(report.imported) == 4
