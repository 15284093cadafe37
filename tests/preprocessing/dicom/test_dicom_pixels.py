"""Stored numbers become the values they stand for: bits, signs, rescaling, padding, transfer syntaxes."""

import numpy as np
import pytest
from dicom_toys import COLUMNS, ROWS, counted, mr, positions_along, save, toy_series, toy_slice
from hypothesis import given
from hypothesis import strategies as st
from laws import array
from pydicom import dcmread, uid
from pydicom.dataelem import DataElement

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import PixelFormat
from preprocessing.dicom.read import read_series
from preprocessing.dicom.rescaling import AIR_HU, LOWEST_HU
from preprocessing.dicom.stored_values import meaningful

PLACES = [0.0, 1.0, 2.0]
AIR = -1000


def values(folder, **elements):
    """Voxels of a toy series, and its record."""
    volume = read_series(toy_series(folder, PLACES, **elements))
    return array(volume.image), volume.record


def constant(value):
    """Pixels of one value in front of air."""
    return lambda _: np.pad(np.full((ROWS - 4, COLUMNS - 4), value), 2, constant_values=AIR)


@given(
    bits=st.integers(1, 16), spare=st.integers(0, 15), signed=st.booleans(), seed=st.integers(0, 2**32 - 1)
)
def test_bits_outside_of_the_stored_ones_mean_nothing(bits, spare, signed, seed):
    high = min(bits - 1 + spare, 15)
    random = np.random.default_rng(seed)
    low, top = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    expected = random.integers(low, top, (4, 5))
    shift = high + 1 - bits
    mask = ((1 << bits) - 1) << shift
    dirt = random.integers(0, 2**16, (4, 5)) & ~mask
    raw = (((expected << shift) & mask) | dirt).astype(np.uint16)
    kept = PixelFormat(
        rows=4,
        columns=5,
        frames=1,
        bits_allocated=16,
        bits_stored=bits,
        high_bit=high,
        signed=signed,
        transfer_syntax=uid.ExplicitVRLittleEndian,
    )
    np.testing.assert_array_equal(meaningful(raw, kept), expected)


@pytest.mark.parametrize("allocated", [8, 16, 32])
@pytest.mark.parametrize("signed", [0, 1])
def test_every_width_of_pixels_is_read(allocated, signed, tmp_path):
    top = min(2 ** (allocated - signed) - 1, 2**23)
    picture = np.linspace(-top if signed else 0, top, ROWS * COLUMNS).astype(int).reshape(ROWS, COLUMNS)
    stored = {"BitsAllocated": allocated, "BitsStored": allocated, "HighBit": allocated - 1}
    found, _ = values(tmp_path, pixels=lambda _: picture, **mr(**stored, PixelRepresentation=signed))
    np.testing.assert_array_equal(found[..., 1], picture.T)
    assert found.dtype == (np.int16 if np.abs(picture).max() < 2**15 else np.float32)


SYNTAXES = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_native_transfer_syntax_gives_the_same_volume(syntax, tmp_path):
    found, record = values(tmp_path, syntax=syntax)
    expected = np.stack([counted(index).T for index in range(3)], axis=2)
    np.testing.assert_array_equal(found, expected)
    assert record["transfer_syntax"] == syntax.name


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless])
@pytest.mark.parametrize("signed", [0, 1])
def test_packed_transfer_syntaxes_give_the_same_volume(syntax, signed, tmp_path):
    offset = 0 if signed else 1000
    for index, position in enumerate(positions_along(PLACES)):
        data = toy_slice(
            position, counted(index) + offset, PixelRepresentation=signed, RescaleIntercept=-offset
        )
        path = save(data, tmp_path / f"{index}")
        _compress(path, syntax)
    found = array(read_series(tmp_path).image)
    np.testing.assert_array_equal(found, np.stack([counted(index).T for index in range(3)], axis=2))


@pytest.mark.parametrize("kind", [{}, {"SOPClassUID": None, "SOPInstanceUID": None}])
def test_files_without_preamble_are_read_and_without_a_class_by_their_modality(kind, tmp_path):
    for index, position in enumerate(positions_along(PLACES)):
        save(toy_slice(position, counted(index), **kind), tmp_path / f"{index}", bare=True)
    expected, _ = values(tmp_path / "whole")
    paths = [path for path in tmp_path.iterdir() if path.is_file()]
    assert paths[0].read_bytes()[:2] == b"\x08\x00"
    np.testing.assert_array_equal(array(read_series(paths).image), expected)


def test_without_a_class_that_of_the_file_meta_information_decides(tmp_path):
    expected, _ = values(tmp_path / "a")
    paths = toy_series(tmp_path / "b", PLACES, SOPClassUID="", SOPInstanceUID="1.2.3")
    np.testing.assert_array_equal(array(read_series(paths).image), expected)


def test_each_slice_has_its_own_rescaling(tmp_path):
    slopes, intercepts = [0.5, 1.25, 2.0], [3.5, -7.0, 0.25]
    elements = {
        "RescaleSlope": lambda index: slopes[index],
        "RescaleIntercept": lambda index: intercepts[index],
    }
    found, record = values(tmp_path, **{**mr(), **elements})
    assert found.dtype == np.float32
    for index in range(3):
        np.testing.assert_allclose(
            found[..., index], counted(index).T * slopes[index] + intercepts[index], rtol=1e-6
        )
    assert record["rescale_slope"] == [0.5, 2.0]


def test_whole_rescaling_stays_whole(tmp_path):
    stored = {"PixelRepresentation": 0, "RescaleIntercept": -1024, "RescaleSlope": 2}
    found, _ = values(tmp_path, pixels=lambda index: counted(index) + 1000, **stored)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found[..., 2], (counted(2).T + 1000) * 2 - 1024)


def test_values_beyond_16_bits_are_kept(tmp_path):
    stored = mr(PixelRepresentation=0)
    found, _ = values(
        tmp_path, pixels=lambda index: np.full((ROWS, COLUMNS), [10, 65535, 20][index]), **stored
    )
    assert found.dtype == np.float32
    assert found[0, 0].tolist() == [10, 65535, 20]


@pytest.mark.parametrize(
    ("padding", "limit", "stored"),
    [
        (-2000, None, -2000),
        (63736, None, -1800),
        (-1090, -1010, -1050),
        (None, None, -3024),
    ],
)
def test_what_was_not_measured_is_air(padding, limit, stored, tmp_path):
    def picture(index):
        plane = counted(index)
        plane[0], plane[:, -1] = stored, stored
        return plane

    # Some scanners write a signed number as an unsigned one.
    unsigned = DataElement(0x00280120, "US", padding) if padding and padding > 0 else padding
    elements = {"PixelPaddingValue": unsigned, "PixelPaddingRangeLimit": limit}
    found, record = values(tmp_path, pixels=picture, **elements)
    assert (found[:, 0] == AIR_HU).all()
    assert (found[-1] == AIR_HU).all()
    np.testing.assert_array_equal(found[:-1, 1:, 1], counted(1).T[:-1, 1:])
    assert record["padded_voxels"] == 3 * (ROWS + COLUMNS - 1)


def test_padding_that_could_be_tissue_is_air_only_at_the_edge(tmp_path):
    def picture(_):
        plane = np.full((ROWS, COLUMNS), -950)
        plane[0], plane[4, 4] = 40, 40
        return plane

    found, _ = values(tmp_path, pixels=picture, PixelPaddingValue=40)
    assert (found[:, 0] == AIR_HU).all()
    assert (found[4, 4] == 40).all()


def test_noise_in_air_is_not_padding(tmp_path):
    found, record = values(tmp_path, pixels=constant(LOWEST_HU))
    assert found.min() == LOWEST_HU
    assert record["padded_voxels"] == 0


def test_padding_of_an_mr_is_dark(tmp_path):
    def picture(_):
        plane = np.full((ROWS, COLUMNS), 300)
        plane[:2] = 4095
        return plane

    found, _ = values(tmp_path, pixels=picture, **mr(PixelPaddingValue=4095))
    assert (found[:, :2] == 0).all()
    assert (found[:, 2:] == 300).all()


def test_a_ct_without_air_is_named(tmp_path):
    _, record = values(tmp_path / "a", pixels=lambda index: counted(index) + 900)
    assert [text for text in record["warnings"] if text.startswith("not_hu")]
    _, record = values(tmp_path / "b")
    assert record["warnings"] == []


def test_pixels_that_were_lossy_once_are_named(tmp_path):
    _, record = values(tmp_path, LossyImageCompression="01")
    assert [text for text in record["warnings"] if text.startswith("lossy")]


def test_nearly_lossless_pixels_are_read_and_named(tmp_path):
    for index, position in enumerate(positions_along(PLACES)):
        path = save(
            toy_slice(position, counted(index) + 1000, **mr(PixelRepresentation=0)), tmp_path / f"{index}"
        )
        _compress(path, uid.JPEGLSNearLossless, jls_error=2)
    volume = read_series(tmp_path)
    assert [text for text in volume.warnings if text.startswith("lossy")]
    np.testing.assert_allclose(array(volume.image)[..., 1], counted(1).T + 1000, atol=2)


def test_inverted_display_changes_no_value_and_is_named(tmp_path):
    found, record = values(tmp_path, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(found[..., 0], counted(0).T)
    assert [text for text in record["warnings"] if text.startswith("monochrome1")]


def test_a_class_says_the_modality_that_was_removed(tmp_path):
    _, record = values(tmp_path, Modality=None)
    assert record["modality"] == "CT"


def test_a_tag_that_denies_the_tilt_is_named(tmp_path):
    volume = read_series(toy_series(tmp_path / "a", PLACES, GantryDetectorTilt=12))
    assert "header says 12 degrees" in " ".join(volume.warnings)
    assert not volume.record["sheared"]
    agreed = toy_series(tmp_path / "b", PLACES, slant=(0, 0.5), GantryDetectorTilt=-26.565)
    assert "header says" not in " ".join(read_series(agreed).warnings)


@pytest.mark.parametrize("slope", [{"RescaleSlope": 0}, {"RescaleIntercept": None}])
def test_a_rescaling_that_cannot_be_is_refused(slope, tmp_path):
    with pytest.raises(DicomError) as refusal:
        values(tmp_path, **slope)
    assert refusal.value.reason == "rescale"


def _compress(path, syntax, **options):
    data = dcmread(path)
    data.compress(syntax, generate_instance_uid=False, **options)
    data.save_as(path)
