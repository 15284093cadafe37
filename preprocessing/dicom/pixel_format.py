"""How a file stores its pixels, judged against the bytes that it has before any memory is taken."""

from __future__ import annotations

from pydicom import uid

from preprocessing.dicom.dataset import OpenedFile
from preprocessing.dicom.elements import Elements
from preprocessing.dicom.errors import DicomError, quoted
from preprocessing.dicom.frame import PixelFormat
from preprocessing.dicom.values import items, text, whole

MAX_SIDE = 8192
"""Largest number of rows or columns of a slice; the largest CT and MR matrices have 2048."""
MAX_FRAMES = 20_000
"""Largest number of frames in a file."""
MAX_BYTES = 2**33
"""Largest decoded size of a file."""
MAX_RATIO = 1000
"""No lossless codec makes a scan smaller than this: a file that claims so is damaged, or a bomb."""

NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
LOSSLESS = (
    *NATIVE,
    uid.DeflatedExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
)
MAYBE_LOSSY = (uid.JPEGLSNearLossless, uid.JPEG2000)
"""Accepted with a warning: these may hold the scanner's own values, or values a little off."""
LOSSY = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
"""Refused: never lossless, and the inverse cosine transform is not defined to the last bit."""


def pixel_format(opened: OpenedFile) -> PixelFormat:
    """Read how pixels are stored, and refuse what cannot be decoded to the scanner's values.

    Args:
        opened: header of a file with pixels.

    Raises:
        DicomError: if the format is no CT's or MR's, lossy, too large, or the file too short for it.
    """
    data = opened.data
    _require_linear(data)
    rows, columns = whole(data, "Rows") or 0, whole(data, "Columns") or 0
    frames = whole(data, "NumberOfFrames") if text(data, "NumberOfFrames") else 1
    _require_size(rows, columns, frames or 0)
    allocated, stored, high = _bits(data)
    syntax = _syntax(opened)
    if syntax == uid.ExplicitVRBigEndian and allocated == 8:
        remedy = "export it as little endian"
        raise DicomError("pixel_format", expected="words", found="bytes in big endian", remedy=remedy)
    signed = _signed(data)
    native = syntax in (*NATIVE, uid.DeflatedExplicitVRLittleEndian)
    found = PixelFormat(
        rows=rows,
        columns=columns,
        frames=frames or 0,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=signed,
        transfer_syntax=syntax,
        offset=opened.pixels[0] if native and opened.pixels else None,
        padding=_padding(data, signed=signed, stored=stored),
        lossy=syntax in MAYBE_LOSSY or text(data, "LossyImageCompression") == "01",
    )
    _require_bytes(found, opened)
    return found


def _require_linear(data: Elements) -> None:
    if items(data, "ModalityLUTSequence"):
        remedy = "export it with a rescale slope and intercept"
        raise DicomError("rescale", expected="a linear rescaling", found="a modality table", remedy=remedy)


def _require_size(rows: int, columns: int, frames: int) -> None:
    found = f"{frames} frames of {rows} x {columns}"
    if min(rows, columns, frames) < 1:
        remedy = "the header is damaged: export the series again"
        raise DicomError("pixel_format", expected="rows and columns", found=found, remedy=remedy)
    if max(rows, columns) > MAX_SIDE or frames > MAX_FRAMES:
        remedy = "the header is damaged: export the series again"
        limit = f"at most {MAX_FRAMES} frames of {MAX_SIDE} x {MAX_SIDE}"
        raise DicomError("too_large", expected=limit, found=found, remedy=remedy)


def _bits(data: Elements) -> tuple[int, int, int]:
    allocated, stored = whole(data, "BitsAllocated") or 0, whole(data, "BitsStored") or 0
    high = whole(data, "HighBit")
    high = stored - 1 if high is None else high
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        found = f"{stored} bits up to bit {high} of {allocated}"
        remedy = "nothing to do, if it is no CT or MR image; else export it again"
        raise DicomError("pixel_format", expected="8, 16 or 32 bits a pixel", found=found, remedy=remedy)
    return allocated, stored, high


def _signed(data: Elements) -> bool:
    sign = whole(data, "PixelRepresentation")
    if sign not in (0, 1):
        remedy = "the header is damaged: export the series again"
        raise DicomError(
            "pixel_format", expected="a pixel representation of 0 or 1", found=f"{sign}", remedy=remedy
        )
    return sign == 1


def _syntax(opened: OpenedFile) -> str:
    syntax = text(opened.meta, "TransferSyntaxUID")
    if not syntax:
        implicit, little = opened.data.data.original_encoding
        explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        syntax = uid.ImplicitVRLittleEndian if implicit else explicit
    if syntax in LOSSY:
        remedy = "take the original from the scanner or the PACS"
        raise DicomError("lossy", expected="lossless pixels", found=uid.UID(syntax).name, remedy=remedy)
    if syntax not in LOSSLESS and syntax not in MAYBE_LOSSY:
        found = f"transfer syntax {quoted(uid.UID(syntax).name)}"
        remedy = "export it with a lossless standard transfer syntax"
        raise DicomError(
            "unsupported_syntax", expected="one of PS3.5's for stills", found=found, remedy=remedy
        )
    return str(syntax)


def _padding(data: Elements, *, signed: bool, stored: int) -> tuple[int, int] | None:
    """Range of stored values that are padding, as numbers of the pixels' own sign (PS3.3, C.7.5.1.1.2)."""
    value = whole(data, "PixelPaddingValue")
    if value is None:
        return None
    limit = whole(data, "PixelPaddingRangeLimit")
    ends = sorted(
        _as_stored(end, signed=signed, bits=stored) for end in (value, value if limit is None else limit)
    )
    return ends[0], ends[1]


def _as_stored(value: int, *, signed: bool, bits: int) -> int:
    """A number that was written with the other sign, such as 63536 for -2000."""
    if signed and value >= 2**15:
        return value - 2**16
    if not signed and value < 0:
        return value + (1 << max(bits, 16))
    return value


def _require_bytes(found: PixelFormat, opened: OpenedFile) -> None:
    wanted = found.rows * found.columns * found.frames * found.bits_allocated // 8
    if wanted > MAX_BYTES:
        remedy = "the header is damaged: export the series again"
        raise DicomError(
            "too_large", expected=f"at most {MAX_BYTES} bytes", found=f"{wanted} bytes", remedy=remedy
        )
    offset, length = opened.pixels or (0, 0)
    left = opened.size - offset
    if found.transfer_syntax in (*NATIVE, uid.DeflatedExplicitVRLittleEndian):
        enough = min(left, length or 0) >= wanted
        _require_no_more(wanted, length or 0)
    else:
        enough = left * MAX_RATIO >= wanted and (length is None)
    if not enough:
        remedy = "the file is cut or damaged: copy or export it again"
        raise DicomError(
            "truncated", expected=f"{wanted} bytes of pixels", found=f"{left} bytes", remedy=remedy
        )


def _require_no_more(wanted: int, length: int) -> None:
    # A byte of padding makes the length even.
    if length > wanted + wanted % 2:
        remedy = "header and pixels disagree, the file is damaged: export it again"
        raise DicomError(
            "pixel_format", expected=f"{wanted} bytes of pixels", found=f"{length} bytes", remedy=remedy
        )
