"""What is made of an image belongs to its patient and study; a slice that cannot be is refused."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from dicom_referees import described, faults, whole_ramp
from laws import stored_as
from pydicom import Dataset

from preprocessing.dicom.identity import identity_of
from preprocessing.dicom.placed_slice import slices_of
from preprocessing.dicom.series_description import decimal
from preprocessing.dicom.stored_pixels import StoredPixels
from preprocessing.dicom.uids import make_uid
from preprocessing.dicom.write import write_ct_series


def source(**elements) -> Dataset:
    data = Dataset()
    said = {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientName": "Müller^Jörg",
        "PatientID": "0815",
        "PatientBirthDate": "19500101",
        "StudyInstanceUID": "1.2.3.4",
        "StudyDate": "20190203",
        "AccessionNumber": "A7",
        "SeriesInstanceUID": "1.2.3.4.5",
        "InstitutionName": "Toy hospital",
        "PixelSpacing": [1, 1],
        **elements,
    }
    for keyword, value in said.items():
        setattr(data, keyword, value)
    return data


def test_a_result_goes_into_the_record_of_its_source(tmp_path):
    grid = stored_as("LPS")
    series = described(
        uid=make_uid("result"), frame_of_reference_uid="1.2.3.9", image_type=("DERIVED", "SECONDARY", "AXIAL")
    )
    slices = slices_of(whole_ramp(grid), grid)
    files = write_ct_series(slices, tmp_path / "made", identity=identity_of(source()), series=series)
    made = pydicom.dcmread(files[0])
    for keyword in ("PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "AccessionNumber"):
        assert made[keyword].value == source()[keyword].value
    assert str(made.PatientName) == "Müller^Jörg"
    assert made.FrameOfReferenceUID == "1.2.3.9"
    # The series and the place where it was made are its own.
    assert made.SeriesInstanceUID != source().SeriesInstanceUID
    assert "InstitutionName" not in made
    # What the source did not say is there, and empty.
    assert made.PatientSex == ""
    assert faults(files[0]) == []


def test_a_source_without_study_is_refused():
    with pytest.raises(ValueError, match="expected a source with StudyInstanceUID"):
        identity_of(source(StudyInstanceUID=""))


def test_same_words_same_uid_and_none_a_new_one():
    assert make_uid("a", "bc") == make_uid("a", "bc")
    assert make_uid("a", "bc") != make_uid("ab", "c")
    assert make_uid() != make_uid()
    assert make_uid("a").startswith(pydicom.uid.PYDICOM_ROOT_UID)
    assert pydicom.uid.UID(make_uid("a")).is_valid


@pytest.mark.parametrize("value", [-0.1, 1 / 3, -123.456789012345, 1e-7, 2.5e-17, 1e5])
def test_decimals_keep_their_digits_in_16_characters(value):
    assert len(str(decimal(value))) <= 16
    assert float(str(decimal(value))) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"orientation": (1.0, 0.0, 0.0, 0.01, 1.0, 0.0)}, "two unit vectors at right angles"),
        ({"orientation": (1.1, 0.0, 0.0, 0.0, 1.0, 0.0)}, "two unit vectors at right angles"),
        ({"orientation": (np.nan, 0.0, 0.0, 0.0, 1.0, 0.0)}, "two unit vectors at right angles"),
        ({"spacing": (0.0, 1.0)}, "spacing and thickness above 0 mm"),
        ({"thickness": -1.0}, "spacing and thickness above 0 mm"),
    ],
)
def test_a_slice_that_dicom_cannot_place_is_refused(wrong, message):
    grid = stored_as("LPS")
    plane = slices_of(whole_ramp(grid), grid)[0]
    with pytest.raises(ValueError, match=message):
        replace(plane, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"syntax": "jpeg"}, "transfer syntax of .*jpeg-ls.*, found 'jpeg'"),
        ({"bits": 17}, "9 to 16 bits"),
        ({"slope": 0.0}, "slope above 0"),
        ({"bits": 12, "signed": False, "padding": -2000}, r"padding in 0\.\.4095, found -2000"),
    ],
)
def test_a_storage_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        StoredPixels(**wrong)


def test_a_hole_without_padding_is_refused():
    grid = stored_as("LPS")
    plane = slices_of(whole_ramp(grid), grid)[0]
    holed = replace(plane, scanned=plane.values > np.median(plane.values))
    with pytest.raises(ValueError, match="expected a padding value"):
        StoredPixels().stored(holed)
