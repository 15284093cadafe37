"""Open a DICOM file without its pixels: the elements that are needed, and the byte where the pixels begin."""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import _read_file_meta_info, read_dataset, read_partial, read_preamble
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from preprocessing.dicom.elements import Elements
from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.values import words

MAX_INFLATED_BYTES = 2**31
"""A deflated file that grows beyond this is a bomb, not a scan."""

PIXEL_DATA = 0x7FE00010
_FLOAT_PIXELS = (0x7FE00008, 0x7FE00009)
_UNDEFINED = 0xFFFFFFFF
_SNIFF = 1024
_DEFLATED = DeflatedExplicitVRLittleEndian.encode()
_FIRST_ELEMENTS = (b"\x08\x00", b"\x00\x08", b"\x02\x00")
"""Groups 0008 (either byte order) and 0002, one of which begins a file without preamble."""

KEYWORDS = words(
    """
    SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyDate Modality Manufacturer StudyDescription
    SeriesDescription ManufacturerModelName PatientName PatientID PatientBirthDate ContrastBolusAgent
    BodyPartExamined ScanningSequence SequenceName SliceThickness RepetitionTime EchoTime InversionTime
    EchoNumbers MagneticFieldStrength SpacingBetweenSlices ProtocolName TriggerTime GantryDetectorTilt
    ConvolutionKernel FlipAngle DiffusionBValue DiffusionGradientOrientation ComplexImageComponent
    StudyInstanceUID SeriesInstanceUID SeriesNumber AcquisitionNumber InstanceNumber ImagePositionPatient
    ImageOrientationPatient FrameOfReferenceUID TemporalPositionIdentifier TemporalPositionIndex StackID
    SamplesPerPixel PhotometricInterpretation NumberOfFrames Rows Columns PixelSpacing BitsAllocated
    BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit RescaleIntercept
    RescaleSlope RescaleType LossyImageCompression ModalityLUTSequence SharedFunctionalGroupsSequence
    PerFrameFunctionalGroupsSequence
    """
)
"""Standard elements that are read; private ones are those of Siemens mosaics."""
_MOSAIC_TAGS = (
    0x00190010,
    0x0019100A,
    0x00290010,
    0x00290011,
    0x00290012,
    0x00291010,
    0x00291110,
    0x00291210,
)
# Plain numbers: pydicom's tags compare in Python.
_TAGS: list[BaseTag | int] = [int(Tag(word)) for word in KEYWORDS] + list(_MOSAIC_TAGS)
_FIRST_GROUP = 0x00040000
"""That of a DICOMDIR; zeros on a failed disk read as elements of group 0000."""


@dataclass(frozen=True, kw_only=True)
class OpenedFile:
    """The header of a file.

    Args:
        data: the elements of `KEYWORDS`.
        meta: file meta information, possibly empty.
        deflated: whether the header came out of a compressed stream, so that offsets mean nothing.
        pixels: byte after the header of the pixel element and its length (None: encapsulated), or None.
        size: bytes of the file, inflated if it was deflated.
    """

    data: Elements
    meta: Elements
    deflated: bool
    pixels: tuple[int, int | None] | None
    size: int


def is_dicom(path: Path) -> bool:
    """Say cheaply whether a file can be DICOM; files without preamble count too.

    Args:
        path: any file.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(_SNIFF)
    except OSError:
        return False
    return _looks_like_dicom(start)


def open_header(path: Path) -> OpenedFile:
    """Read the header of a file up to its pixels.

    Args:
        path: a DICOM file.

    Raises:
        DicomError: if it is no DICOM file, or is damaged. Other errors of the parser may come too.
    """
    with path.open("rb") as stream:
        start = stream.read(_SNIFF)
        if not _looks_like_dicom(start):
            remedy = "nothing to do, if it is not meant to be an image"
            raise DicomError("not_dicom", expected="a DICOM file", found="other bytes", remedy=remedy)
        stream.seek(0)
        if _DEFLATED in start:
            return _read_deflated(stream)
        end = _End(stream)
        data = read_partial(stream, stop_when=end, force=True, specific_tags=_TAGS)
        size = stream.seek(0, 2)
    if str(data.file_meta.get("TransferSyntaxUID", "")) == DeflatedExplicitVRLittleEndian:
        raise _damaged("a short file header", "one that hides how the file is compressed")
    return OpenedFile(
        data=Elements(data), meta=Elements(data.file_meta), deflated=False, pixels=end.pixels, size=size
    )


def inflated(path: Path) -> bytes:
    """The data set of a deflated file, uncompressed.

    Args:
        path: a file of transfer syntax Deflated Explicit VR Little Endian.

    Raises:
        DicomError: if it does not inflate, or grows out of all bounds.
    """
    with quiet(), path.open("rb") as stream:
        _meta(stream)
        return _inflated(stream)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom, whose warnings and logs quote values of the header and so may name the patient."""
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _End:
    """Stops the parser at the pixels, and remembers where they are."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self.stream = stream
        self.pixels: tuple[int, int | None] | None = None

    def __call__(self, tag: BaseTag, _vr: str | None, length: int) -> bool:
        number = int(tag)
        if number < _FIRST_GROUP:
            raise _damaged("elements in ascending order", "one of a group below 0004")
        if number in _FLOAT_PIXELS:
            remedy = "nothing to do: CT and MR images have whole numbers"
            raise DicomError("pixel_format", expected="whole numbers", found="float pixels", remedy=remedy)
        if number == PIXEL_DATA:
            self.pixels = (self.stream.tell(), None if length == _UNDEFINED else length)
        return number >= PIXEL_DATA


def _read_deflated(stream: io.BufferedReader) -> OpenedFile:
    meta = _meta(stream)
    whole = _inflated(stream)
    buffer = io.BytesIO(whole)
    end = _End(buffer)
    data = read_dataset(
        buffer, is_implicit_VR=False, is_little_endian=True, stop_when=end, specific_tags=_TAGS
    )
    return OpenedFile(
        data=Elements(data), meta=Elements(meta), deflated=True, pixels=end.pixels, size=len(whole)
    )


def _looks_like_dicom(start: bytes) -> bool:
    return start[128:132] == b"DICM" or _bare(start)


def _meta(stream: io.BufferedReader) -> FileMetaDataset:
    read_preamble(stream, force=True)
    return _read_file_meta_info(stream)


def _inflated(stream: io.BufferedReader) -> bytes:
    """The rest of a deflated file (PS3.5, section A.5), never more than `MAX_INFLATED_BYTES`."""
    try:
        found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(), MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise _damaged("a deflated data set", "other bytes") from error
    if len(found) >= MAX_INFLATED_BYTES:
        size = f"a data set over {MAX_INFLATED_BYTES} bytes"
        raise DicomError("too_large", expected="one scan", found=size, remedy="export it uncompressed")
    return found


def _bare(start: bytes) -> bool:
    """A data set without preamble begins with a low element of group 0008 or 0002."""
    if len(start) < 16 or start[:2] not in _FIRST_ELEMENTS:
        return False
    big = start[:2] == b"\x00\x08"
    element = int.from_bytes(start[2:4], "big" if big else "little")
    return element < 0x70 and (start[4:6].isalpha() or start[6:8] == b"\x00\x00")


def _damaged(expected: str, found: str) -> DicomError:
    remedy = "the file is damaged: copy or export it again"
    return DicomError("corrupt", expected=expected, found=found, remedy=remedy)
