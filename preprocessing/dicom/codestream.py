"""What a compressed frame says of itself, held against the header before any codec sees it.

Codecs believe one of the two: some cut a frame to the size that the header asks for, some end the process.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import uid

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import PixelFormat

_J2K_START = b"\xff\x4f\xff\x51"
_JPEG_START = b"\xff\xd8"
_SIZES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG or JPEG-LS stream that begin a frame (T.81, table B.1; T.87, table C.1)."""
_PROCESSES = {
    uid.JPEGLossless: (0xC3,),
    uid.JPEGLosslessSV1: (0xC3,),
    uid.JPEGLSLossless: (0xF7,),
    uid.JPEGLSNearLossless: (0xF7,),
}
"""Process that each transfer syntax stands for: 0xC3 is the lossless one of T.81."""
_ALONE = (0x01, *range(0xD0, 0xD8))
_RLE_HEADER = 64


@dataclass(frozen=True)
class _Stated:
    """Bits of a sample, rows, columns and samples of a pixel, as a codestream states them."""

    bits: int
    rows: int
    columns: int
    samples: int


def check_codestream(stream: bytes, kept: PixelFormat) -> None:
    """Make sure that a compressed frame is of the size and kind that the header says.

    Args:
        stream: one encapsulated frame.
        kept: what the header says of its pixels.

    Raises:
        DicomError: with reason "corrupt" if the two disagree, "lossy" if the frame is coded with losses in
            spite of its transfer syntax.
    """
    if kept.transfer_syntax == uid.RLELossless:
        _check_rle(stream, kept)
        return
    stated = _of_j2k(stream) if _is_j2k(kept) else _of_jpeg(stream, kept)
    wanted = _Stated(stated.bits, kept.rows, kept.columns, 1)
    fits = 0 < stated.bits <= kept.bits_allocated and (stated.bits > 16 or kept.bits_allocated <= 16)
    if stated != wanted or not fits:
        size = f"{stated.rows} x {stated.columns} of {stated.samples} x {stated.bits} bits"
        raise _refused(f"{kept.rows} x {kept.columns} of {kept.bits_allocated} bits", size)


def _is_j2k(kept: PixelFormat) -> bool:
    return kept.transfer_syntax in (uid.JPEG2000Lossless, uid.JPEG2000)


def _of_j2k(stream: bytes) -> _Stated:
    """From the marker SIZ (T.800, section A.5.1)."""
    start = stream.find(_J2K_START)
    if start < 0 or len(stream) < start + 43:
        raise _refused("a JPEG 2000 codestream", "other bytes")
    size = stream[start + 6 :]
    right, lower, left, upper = (int.from_bytes(size[at : at + 4], "big") for at in (2, 6, 10, 14))
    return _Stated(
        bits=(size[36] & 0x7F) + 1,
        rows=lower - upper,
        columns=right - left,
        samples=int.from_bytes(size[34:36], "big"),
    )


def _of_jpeg(stream: bytes, kept: PixelFormat) -> _Stated:
    """From the first marker of a frame (T.81, section B.2.2)."""
    at = 2 if stream[:2] == _JPEG_START else len(stream)
    while at + 9 < len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker in _SIZES:
            _check_process(marker, kept)
            rows, columns = (int.from_bytes(stream[at + skip : at + skip + 2], "big") for skip in (5, 7))
            return _Stated(bits=stream[at + 4], rows=rows, columns=columns, samples=stream[at + 9])
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        # Before a marker there may be any number of bytes 0xFF.
        at += 1 if marker == 0xFF else 2 if marker in _ALONE else 2 + length
    raise _refused("a JPEG codestream", "other bytes")


def _check_process(marker: int, kept: PixelFormat) -> None:
    processes = _PROCESSES[uid.UID(kept.transfer_syntax)]
    if marker not in processes:
        raise DicomError(
            "lossy",
            expected=uid.UID(kept.transfer_syntax).name,
            found=f"a codestream of another process, marker {marker:#x}",
            remedy="take the original from the scanner or the PACS",
        )


def _check_rle(stream: bytes, kept: PixelFormat) -> None:
    """One segment for each byte of a pixel, and in each a byte for every pixel (PS3.5, annex G)."""
    words = [int.from_bytes(stream[at : at + 4], "little") for at in range(0, _RLE_HEADER, 4)]
    count, starts = words[0], words[1 : 1 + words[0]]
    ends = [*starts[1:], len(stream)]
    ordered = count == len(starts) and all(
        _RLE_HEADER <= start <= end for start, end in zip(starts, ends, strict=True)
    )
    if count != kept.bits_allocated // 8 or not ordered:
        raise _refused(f"{kept.bits_allocated // 8} segments of a frame", f"{count}")
    wanted = kept.rows * kept.columns
    for start, end in zip(starts, ends, strict=True):
        found = _unpacked_length(stream[start:end], wanted)
        # Segments are padded to an even length, and some writers pack the pad byte too.
        if not wanted <= found <= wanted + 1:
            raise _refused(f"{wanted} pixels", f"a segment of {found}")


def _unpacked_length(segment: bytes, wanted: int) -> int:
    """Bytes that a segment unpacks to, by its control bytes alone (PS3.5, section G.3.1)."""
    at = length = 0
    # What is left behind the last pixel may be a pad, which could look like a control byte.
    while at + 1 < len(segment) and length <= wanted + 1 and (length != wanted or any(segment[at:])):
        control = segment[at]
        if control < 128:
            length, at = length + min(control + 1, len(segment) - at - 1), at + 2 + control
        elif control > 128:
            length, at = length + 257 - control, at + 2
        else:
            at += 1
    return length


def _refused(expected: str, found: str) -> DicomError:
    remedy = "header and pixels disagree, the file is damaged: copy or export it again"
    return DicomError("corrupt", expected=expected, found=found, remedy=remedy)
