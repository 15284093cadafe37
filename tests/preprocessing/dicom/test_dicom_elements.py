"""A value is kept for the bytes it was read from, and for nothing that could mean something different."""

from io import BytesIO

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from preprocessing.dicom import elements
from preprocessing.dicom.dataset import quiet
from preprocessing.dicom.elements import Elements
from preprocessing.dicom.values import numbers, text, whole

DESCRIPTION, POSITION = 0x0008103E, 0x00200032


def stored(*, little: bool = True, implicit: bool = False, **own) -> Dataset:
    """A data set as it comes out of a file, its values not converted yet."""
    data = Dataset()
    for name, value in own.items():
        setattr(data, name, value)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = little, implicit
    write_dataset(buffer, data)
    return read_dataset(BytesIO(buffer.getvalue()), implicit, little)


def test_what_was_converted_once_is_converted_no_more(monkeypatch):
    first = Elements(stored(ImagePositionPatient=[1.5, -2.25, 3.125]))
    expected = numbers(first, "ImagePositionPatient")

    def never(*arguments, **options):
        raise AssertionError("converted again")

    monkeypatch.setattr(elements, "convert_raw_data_element", never)
    again = Elements(stored(ImagePositionPatient=[1.5, -2.25, 3.125]))
    assert numbers(again, "ImagePositionPatient") == expected == (1.5, -2.25, 3.125)


def test_the_same_bytes_in_another_character_set_are_another_text():
    content = "Hüfte".encode("latin-1")

    def said(charset: str) -> str:
        data = stored(SpecificCharacterSet=charset)
        # As a file holds it; pydicom would encode it by the set.
        data[DESCRIPTION] = RawDataElement(DESCRIPTION, "LO", len(content), content, 0, False, True)
        data.set_original_encoding(
            False, True, {"ISO_IR 100": "latin_1", "ISO_IR 144": "iso_ir_144"}[charset]
        )
        with quiet():
            return text(Elements(data), "SeriesDescription")

    assert said("ISO_IR 100") == "Hüfte"
    assert said("ISO_IR 144") == "Hќfte"


@pytest.mark.parametrize("implicit", [False, True])
def test_the_same_bytes_in_another_byte_order_are_another_number(implicit):
    assert whole(Elements(stored(Rows=258, implicit=implicit)), "Rows") == 258
    assert whole(Elements(stored(Rows=513, implicit=implicit, little=False)), "Rows") == 513


def test_an_element_of_two_kinds_has_the_sign_of_its_own_file():
    for sign, expected in ((1, -2000), (0, 63536), (1, -2000)):
        data = stored(PixelRepresentation=sign, PixelPaddingValue=expected, implicit=True)
        assert whole(Elements(data), "PixelPaddingValue") == expected


def test_an_empty_element_and_a_missing_one_have_no_value():
    data = Elements(stored(SeriesDescription=""))
    assert text(data, "SeriesDescription") == ""
    assert data.value(POSITION) is None
