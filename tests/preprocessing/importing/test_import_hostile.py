"""Exports as they come from real archives, and as an attacker would make them: right, or refused by name."""

import csv
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_toys import mr, save, toy_series
from laws import tissue, volume
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid
from toys import toy_grid

from preprocessing.dicom.read import read_series
from preprocessing.importing.dicom_identity import identity_of
from preprocessing.importing.tree_import import ImportReport, TreeImport

PLACES = (0, 2, 4, 6)
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:Value for")


def run(tmp_path: Path, **options) -> ImportReport:
    return TreeImport(source=tmp_path / "in", output=tmp_path / "out", workers=0, **options).run()


def rows(tmp_path: Path, table: str = "series.csv") -> list[dict[str, str]]:
    with (tmp_path / "out" / table).open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_patient_called_like_words_of_messages_hides_none(tmp_path):
    words = {"PatientID": "MR CT 001", "PatientName": "Image^Slice^Expected", "InstitutionName": "Step 240"}
    toy_series(
        tmp_path / "in" / "whole",
        PLACES,
        **words,
        **mr(ScanningSequence=["SE", "IR"], BodyPartExamined="SLICE"),
    )
    toy_series(tmp_path / "in" / "gap", (0, 2, 6, 8, 10), SeriesInstanceUID="1.2.9", **words)
    scout = mr(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesInstanceUID="1.2.10")
    toy_series(tmp_path / "in" / "scout", PLACES, **words, **scout)
    run(tmp_path)
    (row,) = rows(tmp_path)
    assert (row["modality"], row["scanning_sequence"], row["body_part"]) == ("MR", "SE IR", "SLICE")
    told = {row["reason"]: row["message"] for row in rows(tmp_path, "rejected.csv")}
    assert told["localizer"].startswith(
        'expected a greyscale CT or MR image, found image type "ORIGINAL/PRIMARY/LOCALIZER"'
    )
    assert told["missing_slice"].startswith("expected a slice at every step, found none at 244.0000 mm")


@pytest.mark.parametrize(
    "planted",
    [
        {"Modality": "QUIXOTE"},
        {"ImageType": ["QUIXOTE", "LOCALIZER"]},
        {"RescaleType": "QUIXOTE"},
        {"PhotometricInterpretation": "QUIXOTE"},
        {"SOPClassUID": "1.2.QUIXOTE"},
        {"ScanningSequence": "QUIXOTE", "BodyPartExamined": "QUIXOTE", "ConvolutionKernel": "QUIXOTE"},
    ],
    ids=lambda planted: next(iter(planted)),
)
def test_what_a_file_puts_in_the_place_of_a_code_is_not_said(planted, tmp_path):
    """Nor is it where the patient's name does not warn of it."""
    toy_series(tmp_path / "in", PLACES, PatientName="", PatientID="", prefix="Quixote", **planted)
    run(tmp_path)
    listed = [*rows(tmp_path), *rows(tmp_path, "rejected.csv")]
    assert listed
    assert "quixote" not in str(listed).lower()


def test_a_damaged_element_does_not_uncover_the_name(tmp_path):
    (path, *_) = toy_series(tmp_path, PLACES, PatientName="Hip^Brain")
    damaged = b"\x10\x00\x30\x10FD\x03\0abc"
    following = b"\x10\x00\x10\x00PN"
    path.write_bytes(path.read_bytes().replace(following, damaged + following))
    with pytest.raises(BytesLengthException):
        list(dcmread(path))
    assert {"hip", "brain"} <= identity_of(path)


@pytest.mark.parametrize(
    "claimed", ["ISO_IR 999", "ISO 2022 IR 87", "GB18030", "QUIXOTE", "\\ISO 2022 IR 149"]
)
def test_broken_character_sets_neither_stop_nor_uncover(claimed, tmp_path):
    for path in toy_series(
        tmp_path / "in", PLACES, PatientName="Quixote^Name", SpecificCharacterSet="ISO_IR 100"
    ):
        content = path.read_bytes().replace(b"Quixote^Name", b"Quix\xffte^\x1b$Bx")
        code = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100"
        assert code in content
        value = claimed.encode()
        value += b" " * (len(value) % 2)
        content = content.replace(code, b"\x08\x00\x05\x00CS" + len(value).to_bytes(2, "little") + value)
        path.write_bytes(content)
    assert len(run(tmp_path).imported) == 1
    assert "quix" not in str(rows(tmp_path)).lower()


def test_a_series_exported_twice_is_one_volume(tmp_path):
    toy_series(tmp_path / "in" / "a", PLACES)
    shutil.copytree(tmp_path / "in" / "a", tmp_path / "in" / "again" / "deep")
    assert len(run(tmp_path).imported) == 1
    (row,) = rows(tmp_path)
    assert (row["slices"], row["files"], row["repaired"]) == ("4", "8", "no")
    expected = read_series(tmp_path / "in" / "a").image
    found = sitk.ReadImage(str(tmp_path / "out" / row["image"]))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(expected))


def test_spaces_around_an_identifier_make_no_other_patient_and_its_issuer_splits_none(tmp_path):
    for number, patient in enumerate(("7", " 7", "7 ", "7\0")):
        given = {
            "PatientID": patient,
            "IssuerOfPatientID": f"H{number}",
            "SeriesInstanceUID": f"1.2.{number}",
        }
        toy_series(tmp_path / "in" / f"{number}", PLACES, **given)
    report = run(tmp_path)
    assert (report.patients, report.alike) == (1, ())


def test_one_person_under_two_identifiers_is_told_and_strangers_are_not(tmp_path):
    def scan(number, **elements):
        own = {"SeriesInstanceUID": f"1.2.{number}", "StudyInstanceUID": f"1.3.{number}"}
        own |= {"FrameOfReferenceUID": f"1.4.{number}", "PatientID": f"id{number}", **elements}
        toy_series(tmp_path / "in" / f"{number}", PLACES, **own)

    scan(1, PatientName="Doe^Jane", PatientBirthDate="19500203")
    scan(2, PatientName="DOE^Jane", PatientBirthDate="19500203", FrameOfReferenceUID="1.4.9")
    scan(3, PatientName="Other", FrameOfReferenceUID="1.4.9")
    scan(4, PatientName="Anonymous", PatientBirthDate="19000101")
    scan(5, PatientName="Anonymous", PatientBirthDate="19000101")
    scan(6, PatientName="Anonymous", PatientBirthDate="")
    scan(7, PatientName="Anonymous", PatientBirthDate="")
    report = run(tmp_path)
    (group,) = report.alike
    assert (report.patients, len(group)) == (7, 3)
    assert all(name.startswith("p") and len(name) == 13 for name in group)


def wiped(path):
    path.write_bytes(bytes(path.stat().st_size))


def cut(path):
    path.write_bytes(path.read_bytes()[:300])


def headless(path):
    content = bytearray(path.read_bytes())
    content[132:700] = bytes(568)
    path.write_bytes(content)


def unmarked(path):
    content = bytearray(path.read_bytes())
    content[128] = 0
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [wiped, cut, headless, unmarked, emptied])
def test_a_lost_end_that_does_not_say_what_it_was_is_no_secret(damage, tmp_path):
    *_, last = toy_series(tmp_path / "in", PLACES)
    (last.parent / "README").write_text("no image")
    damage(last)
    report = run(tmp_path)
    assert [item.image for item in report.rejected] == [True]
    (row,) = rows(tmp_path)
    assert row["slices"] == "3"
    assert "1 files beside it cannot be read" in row["warnings"]


def test_the_directory_of_a_disc_is_no_missing_image(tmp_path):
    toy_series(tmp_path / "in" / "a", PLACES)
    disc, meta = Dataset(), FileMetaDataset()
    disc.FileSetID, disc.DirectoryRecordSequence = "DISC", []
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.TransferSyntaxUID, meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, generate_uid()
    disc.file_meta = meta
    disc.save_as(tmp_path / "in" / "DICOMDIR", enforce_file_format=True)
    (item,) = run(tmp_path).rejected
    assert (item.reason, item.image) == ("not_an_image", False)
    assert rows(tmp_path)[0]["warnings"] == ""


@pytest.mark.parametrize("agent", ["", "NONE", "no", "Omnipaque 350"])
def test_contrast_is_an_agent_and_not_the_word_none(agent, tmp_path):
    toy_series(tmp_path / "in", PLACES, ContrastBolusAgent=agent)
    run(tmp_path)
    assert rows(tmp_path)[0]["contrast"] == ("yes" if "350" in agent else "no")


@pytest.mark.parametrize(("ending", "line"), [("nrrd", b"space origin:"), ("mha", b"Offset =")])
def test_a_volume_that_does_not_say_where_it_begins_is_refused(ending, line, tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / f"x.{ending}"
    sitk.WriteImage(volume(toy_grid((4, 3, 5)), tissue), str(path))
    content = path.read_bytes()
    assert line in content
    path.write_bytes(content.replace(line, b"#" + line[1:]))
    (item,) = run(tmp_path).rejected
    assert item.reason == "unusable_volume"


def test_values_may_be_anything_and_nothing_crashes(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, elements in enumerate(
            (
                {"SeriesNumber": "99999999999999999999", "EchoTime": "1e400"},
                {"PixelSpacing": ["1"] * 20_000},
                {"ImagePositionPatient": ["nan", "inf", "0"]},
                {"SliceThickness": "-3", "SpacingBetweenSlices": "-2"},
            )
        ):
            own = {"SeriesInstanceUID": f"1.2.{number}", **elements}
            toy_series(tmp_path / "in" / f"{number}", PLACES, **own)
        save(Dataset(), tmp_path / "in" / "empty.dcm")
    report = run(tmp_path)
    assert {item.reason for item in report.rejected} == {"no_geometry", "no_pixels"}
    assert len(report.imported) == 2
