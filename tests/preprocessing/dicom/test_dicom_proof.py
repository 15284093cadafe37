"""Header and pixels that contradict each other, or numbers that overflow, are no volume."""

import io

import numpy as np
import pytest
from dicom_toys import COLUMNS, ROWS, counted, mr, toy_series
from laws import array
from PIL import Image
from pydicom import dcmread, uid
from pydicom.encaps import encapsulate

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.read import read_series

PLACES = [0.0, 2.0, 4.0]
UNSIGNED = mr(PixelRepresentation=0)
PACKED = [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless]


def refused(paths):
    with pytest.raises(DicomError) as refusal:
        read_series(paths)
    return refusal.value.reason


def edited(paths, *missing, **elements):
    """The files, with elements changed after their pixels were written."""
    for path in paths:
        data = dcmread(path)
        for name in missing:
            delattr(data, name)
        for name, value in elements.items():
            setattr(data, name, value)
        data.save_as(path)
    return paths


def compress(data, syntax):
    if syntax != uid.JPEG2000Lossless:
        data.compress(syntax, generate_instance_uid=False)
        return
    stream = io.BytesIO()
    picture = Image.fromarray(data.pixel_array.astype(np.uint16))
    picture.save(stream, "JPEG2000", no_jp2=True, irreversible=False, num_resolutions=1)
    data.PixelData = encapsulate([stream.getvalue()])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = syntax


def packed(folder, syntax, **elements):
    paths = toy_series(folder, PLACES, pixels=lambda index: counted(index) + 1000, **UNSIGNED)
    for path in paths:
        data = dcmread(path)
        compress(data, syntax)
        for name, value in elements.items():
            setattr(data, name, value)
        data.save_as(path)
    return paths


@pytest.mark.parametrize("missing", ["PixelRepresentation", "BitsStored"])
def test_how_a_number_is_stored_must_be_said(missing, tmp_path):
    assert refused(edited(toy_series(tmp_path, PLACES), missing)) == "pixel_format"


@pytest.mark.parametrize("size", [{"Columns": COLUMNS // 2}, {"Rows": ROWS // 2}])
def test_more_bytes_than_the_matrix_holds_are_another_matrix(size, tmp_path):
    assert refused(edited(toy_series(tmp_path, PLACES), **size)) == "pixel_format"


def test_colours_whose_tags_were_lost_are_not_read_as_a_third_of_a_slice(tmp_path):
    for path in toy_series(tmp_path, PLACES):
        data = dcmread(path)
        del data.SamplesPerPixel, data.PhotometricInterpretation
        data.PixelData *= 3
        data.save_as(path)
    assert refused(tmp_path) == "pixel_format"


def test_a_byte_that_makes_the_length_even_is_no_contradiction(tmp_path):
    stored = mr(BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    picture = np.arange(15).reshape(3, 5)
    for path in toy_series(tmp_path, PLACES, pixels=lambda _: picture, **stored):
        assert len(dcmread(path).PixelData) == picture.size + 1
    np.testing.assert_array_equal(array(read_series(tmp_path).image)[..., 1], picture.T)


@pytest.mark.parametrize("syntax", PACKED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(
    "size",
    [
        {"Columns": COLUMNS // 2},
        {"Rows": ROWS // 2},
        {"Rows": ROWS * 2},
        {"Rows": COLUMNS, "Columns": ROWS},
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
    ],
    ids=str,
)
def test_a_packed_frame_of_another_size_reaches_no_codec(syntax, size, tmp_path):
    if syntax == uid.RLELossless and size.get("Rows") == COLUMNS:
        pytest.skip("run-length coding does not say how long a row is")
    assert refused(packed(tmp_path, syntax, **size)) == "corrupt"


@pytest.mark.parametrize("syntax", PACKED, ids=lambda syntax: syntax.name)
def test_an_honest_packed_frame_is_read(syntax, tmp_path):
    found = array(read_series(packed(tmp_path, syntax)).image)
    np.testing.assert_array_equal(found[..., 2], counted(2).T + 1000)


@pytest.mark.parametrize("claimed", [uid.JPEGLossless, uid.JPEG2000Lossless, uid.RLELossless])
def test_pixels_of_another_codec_are_refused(claimed, tmp_path):
    paths = packed(tmp_path, uid.JPEGLSLossless)
    for path in paths:
        data = dcmread(path)
        data.file_meta.TransferSyntaxUID = claimed
        data.save_as(path)
    assert refused(paths) in ("corrupt", "lossy")


ABSURD = {
    "slope beyond floats": {"RescaleSlope": "1e39"},
    "slope beyond 32 bits": {"RescaleSlope": 1e30},
    "intercept": {"RescaleIntercept": 1e31},
    "inverted": {"RescaleSlope": -1, "RescaleIntercept": 0},
    "steps of 1000 HU": {"RescaleSlope": 1000},
}


@pytest.mark.parametrize("name", ABSURD)
def test_a_rescaling_that_no_voxel_can_hold_is_refused(name, tmp_path):
    assert refused(toy_series(tmp_path, PLACES, **ABSURD[name])) == "rescale"


def test_values_that_no_tissue_has_are_not_hu(tmp_path):
    assert refused(toy_series(tmp_path, PLACES, RescaleIntercept=1e6)) == "not_hu"


def test_a_ct_without_anything_lighter_than_water_has_lost_its_rescaling(tmp_path):
    paths = toy_series(tmp_path, PLACES, pixels=lambda index: counted(index) + 1024, PixelRepresentation=0)
    assert refused(paths) == "not_hu"


@pytest.mark.parametrize("slope", [1, 100_000, 10**15])
def test_no_value_wraps_around(slope, tmp_path):
    stored = mr(BitsAllocated=32, BitsStored=32, HighBit=31, PixelRepresentation=0)
    picture = np.linspace(0, 2**32 - 1, ROWS * COLUMNS).astype(np.int64).reshape(ROWS, COLUMNS)
    scale = {"RescaleSlope": slope, "RescaleIntercept": 0}
    paths = toy_series(tmp_path, PLACES, pixels=lambda _: picture, **{**stored, **scale})
    found = array(read_series(paths).image)
    np.testing.assert_allclose(found[..., 0], picture.T.astype(float) * slope, rtol=1e-6)
