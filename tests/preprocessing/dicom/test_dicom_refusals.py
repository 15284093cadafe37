"""Whatever cannot be proved right is refused by a code that tells why; no bytes end in anything else."""

import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_toys import (
    ROWS,
    counted,
    enhanced,
    mr,
    plane,
    positions_along,
    save,
    shared_groups,
    toy_series,
    toy_slice,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom import dcmread, uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from preprocessing.dicom import dataset
from preprocessing.dicom.dataset import is_dicom
from preprocessing.dicom.errors import REASONS, DicomError
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.read import read_series

STORAGE = "1.2.840.10008.5.1.4.1.1."
NATIVE = uid.ExplicitVRLittleEndian
ORIGIN = (0.0, 0.0, 0.0)


def one(folder, **elements):
    """A folder with one toy slice."""
    save(toy_slice(ORIGIN, counted(0), **elements), folder / "slice")
    return folder


def edited(folder, edit, places=(0, 1, 2)):
    """A folder with a toy series whose every file is changed by `edit`."""
    for path in toy_series(folder, places):
        data = dcmread(path)
        edit(data)
        data.save_as(path)
    return folder


def without(*names):
    def edit(data):
        for name in names:
            delattr(data, name)

    return edit


def changed(**elements):
    def edit(data):
        for name, value in elements.items():
            setattr(data, name, value)

    return edit


def resyntaxed(syntax):
    def edit(data):
        data.file_meta.TransferSyntaxUID = uid.UID(syntax)
        data.PixelData = encapsulate([data.PixelData])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True

    return edit


def written(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / "file").write_bytes(content)
    return folder


def cut(folder):
    for path in toy_series(folder, [0, 1, 2]):
        path.write_bytes(path.read_bytes()[:-7])
    return folder


def with_float_pixels(folder):
    for path in toy_series(folder, [0, 1]):
        data = dcmread(path)
        del data.PixelData
        data.FloatPixelData = np.zeros(ROWS * 10, np.float32).tobytes()
        data.save_as(path)
    return folder


def two_series(folder):
    toy_series(folder / "a", [0, 1])
    toy_series(folder / "b", [0, 1], SeriesInstanceUID="1.2.3")
    return folder


def off_the_line(folder):
    toy_series(folder / "a", [0, 1, 2])
    toy_series(folder / "b", [3, 4], ImagePositionPatient=lambda index: [60.0, 60.0, 243.0 + index])
    return folder


def with_table(folder):
    def edit(data):
        table = Dataset()
        table.LUTExplanation = "a curve"
        data.ModalityLUTSequence = [table]

    return edited(folder, edit)


def no_file_at_all(folder):
    folder.mkdir(exist_ok=True)
    return folder


def class_of(number):
    return lambda folder: edited(folder, changed(SOPClassUID=STORAGE + number))


def directory(folder):
    """The DICOMDIR that every exported disc has."""
    folder.mkdir()
    disc, meta = Dataset(), FileMetaDataset()
    disc.FileSetID, disc.FileSetConsistencyFlag, disc.DirectoryRecordSequence = "DISC", 0, []
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = uid.MediaStorageDirectoryStorage, NATIVE
    meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    disc.file_meta = meta
    disc.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder


def screen_shot(folder):
    return one(folder, ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])


KINDS = ("not_an_image", "spectroscopy", "secondary_capture", "other_modality", "localizer")
"""In a folder these are passed over, as they often lie beside a series."""
CASES = {
    "plain text": ("not_dicom", lambda folder: [written(folder, b"no DICOM here" * 50) / "file"]),
    "nothing": ("no_files", no_file_at_all),
    "damaged codestream": ("corrupt", lambda folder: edited(folder, _packed_nonsense)),
    "frames without description": ("corrupt", lambda folder: [_undescribed(folder)]),
    "cut": ("truncated", cut),
    "huge matrix": ("too_large", lambda folder: edited(folder, changed(Rows=60000, Columns=60000))),
    "many frames": ("too_large", lambda folder: edited(folder, changed(NumberOfFrames=2_000_000_000))),
    "larger than its bytes": ("truncated", lambda folder: edited(folder, changed(Rows=8000, Columns=8000))),
    "no pixels": ("no_pixels", lambda folder: edited(folder, without("PixelData"))),
    "directory of a disc": ("not_an_image", directory),
    "structured report": ("not_an_image", class_of("88.11")),
    "contours": ("not_an_image", class_of("481.3")),
    "segmentation": ("not_an_image", class_of("66.4")),
    "presentation state": ("not_an_image", class_of("11.1")),
    "spectrum": ("spectroscopy", class_of("4.2")),
    "screen shot": ("secondary_capture", class_of("7")),
    "screen shot as CT": (
        "secondary_capture",
        screen_shot,
    ),
    "positron emission": ("other_modality", class_of("128")),
    "ultrasound": ("other_modality", class_of("6.1")),
    "class and modality at odds": ("other_modality", lambda folder: edited(folder, changed(Modality="PT"))),
    "localizer": ("localizer", lambda folder: one(folder, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])),
    "colour": (
        "colour",
        lambda folder: edited(folder, changed(SamplesPerPixel=3, PhotometricInterpretation="RGB")),
    ),
    "palette": ("colour", lambda folder: edited(folder, changed(PhotometricInterpretation="PALETTE COLOR"))),
    "bits": ("pixel_format", lambda folder: edited(folder, changed(BitsAllocated=12))),
    "float pixels": ("pixel_format", with_float_pixels),
    "no rows": ("pixel_format", lambda folder: edited(folder, without("Rows"))),
    "video": ("unsupported_syntax", lambda folder: edited(folder, resyntaxed(uid.MPEG2MPML))),
    "unknown syntax": ("unsupported_syntax", lambda folder: edited(folder, resyntaxed("1.2.3.4"))),
    "lossy": ("lossy", lambda folder: edited(folder, resyntaxed(uid.JPEGExtended12Bit))),
    "no position": ("no_geometry", lambda folder: edited(folder, without("ImagePositionPatient"))),
    "no orientation": ("no_geometry", lambda folder: edited(folder, without("ImageOrientationPatient"))),
    "no pixel spacing": ("no_geometry", lambda folder: edited(folder, without("PixelSpacing"))),
    "skew directions": (
        "no_geometry",
        lambda folder: edited(folder, changed(ImageOrientationPatient=[1, 0, 0, 0.5, 0.5, 0])),
    ),
    "absurd spacing": ("no_geometry", lambda folder: edited(folder, changed(PixelSpacing=[0.0, 1.0]))),
    "far away": ("no_geometry", lambda folder: edited(folder, changed(ImagePositionPatient=[0, 0, 1e9]))),
    "one slice": ("single_slice", one),
    "two series": ("several_stacks", two_series),
    "off the line": ("scattered_slices", off_the_line),
    "missing": ("missing_slice", lambda folder: toy_series(folder, [0, 1, 2, 4, 5])),
    "gaps without plan": ("mixed_spacing", lambda folder: toy_series(folder, [0, 2, 5.3, 9.1])),
    "copies": ("duplicate_slice", lambda folder: toy_series(folder, [0, 1, 1], pixels=lambda _: counted(0))),
    "conflict": ("conflicting_slices", lambda folder: toy_series(folder, [0, 1, 1])),
    "table": ("rescale", with_table),
    "slope 0": ("rescale", lambda folder: toy_series(folder, [0, 1], RescaleSlope=0)),
    "electron density": ("not_hu", lambda folder: toy_series(folder, [0, 1], RescaleType="ED")),
    "CT without rescaling": (
        "not_hu",
        lambda folder: toy_series(folder, [0, 1], RescaleSlope=None, RescaleIntercept=None),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_has_its_own_reason(name, tmp_path):
    reason, make = CASES[name]
    made = make(tmp_path / "series")
    with pytest.raises(DicomError) as refusal:
        read_series(_slices(made) if reason in KINDS else made)
    assert refusal.value.reason == reason
    assert all(part in str(refusal.value) for part in ("expected", "found", ";"))
    for secret in ("Planted", "PLANTED", "1.2.826"):
        assert secret not in str(refusal.value)


def test_every_reason_is_reachable_and_explained():
    assert {reason for reason, _ in CASES.values()} == set(REASONS)
    assert all(text.endswith(".") for text in REASONS.values())


def test_an_unknown_reason_is_a_fault_of_the_programmer():
    with pytest.raises(KeyError, match="REASONS"):
        DicomError("no such thing", expected="a", found="b", remedy="c")


def test_refusals_travel_between_processes():
    error = DicomError("lossy", expected="a", found="b", remedy="c")
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.reason, str(twin)) == (error.reason, str(error))


def test_a_deflated_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "MAX_INFLATED_BYTES", 5_000)
    data = toy_slice(ORIGIN, counted(0), ImageComments="a" * 10_000)
    path = save(data, tmp_path / "bomb", syntax=uid.DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 5000
    with pytest.raises(DicomError) as refusal:
        read_frames(path)
    assert refusal.value.reason == "too_large"


def test_a_missing_file_is_refused_by_name(tmp_path):
    assert not is_dicom(tmp_path / "nowhere")
    with pytest.raises(DicomError) as refusal:
        read_frames(tmp_path / "nowhere")
    assert refusal.value.reason == "corrupt"


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), preamble=st.booleans())
@example(content=b"\x08\x00\x05\x00CS", preamble=True)
@example(content=b"\0" * 4000, preamble=True)
def test_no_bytes_end_in_anything_but_frames_or_a_refusal(content, preamble, tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(b"\0" * 128 + b"DICM" + content if preamble else content)
    _frames_or_refusal([path])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), syntax=st.sampled_from(["plain", "implicit", "deflated", "packed", "enhanced"]))
def test_a_damaged_file_is_read_in_its_place_or_refused(data, syntax, samples, tmp_path):
    paths = []
    for index, good in enumerate(samples[syntax]):
        content = bytearray(good)
        for _ in range(data.draw(st.integers(0, 3)) if index == 1 or len(samples[syntax]) == 1 else 0):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.integers(0, 255))
        if data.draw(st.booleans()) and index == 1:
            content = content[: data.draw(st.integers(0, len(content)))]
        paths.append(tmp_path / f"{index}")
        paths[-1].write_bytes(content)
    _frames_or_refusal(paths)


def test_names_of_files_may_be_text(tmp_path):
    paths = toy_series(tmp_path / "series", [0, 1, 2])
    expected = read_series(paths).image
    assert read_series(str(tmp_path / "series")).image == expected
    assert read_series([str(path) for path in paths]).image == expected


def test_what_lies_beside_a_series_is_passed_over(tmp_path):
    alone = read_series(toy_series(tmp_path / "series", [0, 1, 2]))
    written(tmp_path / "notes", b"no DICOM here" * 50)
    class_of("88.11")(tmp_path / "report")
    directory(tmp_path / "disc")
    one(tmp_path / "scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert read_series(tmp_path).image == alone.image
    cut(tmp_path / "cut")
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path)
    assert refusal.value.reason == "truncated"


def _slices(made):
    return sorted(made.iterdir()) if isinstance(made, Path) else made


def _frames_or_refusal(paths):
    try:
        volume = read_series(paths)
    except DicomError:
        return
    assert np.isfinite(volume.image.GetSpacing()).all()
    assert volume.image.GetNumberOfPixels() <= 10 * 100 * 100


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Bytes of small whole series, by how they are encoded."""
    folder = tmp_path_factory.mktemp("samples")
    files = {
        "plain": toy_series(folder / "plain", [0, 1, 2]),
        "implicit": toy_series(folder / "implicit", [0, 1, 2], syntax=uid.ImplicitVRLittleEndian),
        "deflated": toy_series(folder / "deflated", [0, 1, 2], syntax=uid.DeflatedExplicitVRLittleEndian),
        "packed": toy_series(folder / "packed", [0, 1, 2]),
        "enhanced": [save(_object(), folder / "enhanced")],
    }
    for path in files["packed"]:
        data = dcmread(path)
        data.compress(uid.RLELossless, generate_instance_uid=False)
        data.save_as(path)
    return {name: [path.read_bytes() for path in paths] for name, paths in files.items()}


def _object():
    frames = [plane(at) for at in positions_along([0, 1, 2])]
    return enhanced(frames, np.stack([counted(index) for index in range(3)]), shared=shared_groups())


def _undescribed(folder):
    data = _object()
    del data.PerFrameFunctionalGroupsSequence[-1]
    return save(data, folder / "enhanced")


def _packed_nonsense(data):
    data.compress(uid.RLELossless, generate_instance_uid=False)
    data.PixelData = data.PixelData[:-40] + zlib.compress(b"x" * 20)[:20] + data.PixelData[-20:]


def test_mr_needs_no_rescaling(tmp_path):
    assert read_series(toy_series(tmp_path, [0, 1], **mr())).image.GetDepth() == 2
