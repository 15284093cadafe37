"""Stored pixels of one slice at a time: native ones straight from the file, others by pydicom's codecs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Integer
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder

from preprocessing.dicom.codestream import check_codestream
from preprocessing.dicom.dataset import inflated, quiet
from preprocessing.dicom.errors import DicomError, quoted
from preprocessing.dicom.frame import Frame, PixelFormat

_DAMAGED = "the file is damaged: copy or export it again"


class StoredValues:
    """Reads stored pixels; of a file that must be unpacked as a whole it keeps the last one in memory.

    Frames of an enhanced object come in any order, and a mosaic holds many slices: neither should be
    unpacked anew for each.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._bytes = b""
        self._data = Dataset()
        self._mosaic: tuple[Path, np.ndarray] | None = None

    def __call__(self, frame: Frame) -> Integer[np.ndarray, "rows columns"]:
        """Read the stored values of a slice, without the bits that mean nothing.

        Args:
            frame: the slice.

        Raises:
            DicomError: if the pixels are cut or damaged.
        """
        try:
            return self._slice(frame)
        except DicomError:
            raise
        except Exception as error:  # a codec may raise anything at all
            found = f"{quoted(frame.path.name)}: pixels that do not decode ({type(error).__name__})"
            raise DicomError("corrupt", expected="whole pixels", found=found, remedy=_DAMAGED) from error

    def _slice(self, frame: Frame) -> np.ndarray:
        if frame.tile is None:
            return self._stored_frame(frame)
        if self._mosaic is None or self._mosaic[0] != frame.path:
            self._mosaic = frame.path, self._stored_frame(frame)
        row, column = divmod(frame.tile, frame.tiles_per_side)
        top, left = row * frame.rows, column * frame.columns
        return self._mosaic[1][top : top + frame.rows, left : left + frame.columns].copy()

    def _stored_frame(self, frame: Frame) -> np.ndarray:
        raw = self._native(frame) if frame.pixels.offset is not None else self._decoded(frame)
        expected = frame.pixels.rows, frame.pixels.columns
        if raw.shape != expected or raw.dtype.kind not in "iu":
            found = f"{quoted(frame.path.name)}: {raw.dtype} {raw.shape}"
            raise DicomError("corrupt", expected=f"{expected} pixels", found=found, remedy=_DAMAGED)
        return meaningful(raw, frame.pixels)

    def _native(self, frame: Frame) -> np.ndarray:
        kept = frame.pixels
        count, size = kept.rows * kept.columns, kept.bits_allocated // 8
        start = (kept.offset or 0) + frame.index * count * size
        kind = np.dtype(f"{'>' if kept.transfer_syntax == uid.ExplicitVRBigEndian else '<'}u{size}")
        if kept.transfer_syntax == uid.DeflatedExplicitVRLittleEndian:
            if self._path != frame.path:
                self._path, self._bytes = frame.path, inflated(frame.path)
            raw = np.frombuffer(self._bytes, dtype=kind, count=count, offset=start).copy()
        else:
            raw = np.fromfile(frame.path, dtype=kind, count=count, offset=start)
        if raw.size != count:
            found = f"{quoted(frame.path.name)}: {raw.size}"
            raise DicomError("truncated", expected=f"{count} pixels", found=found, remedy=_DAMAGED)
        return raw.reshape(kept.rows, kept.columns).astype(kind.newbyteorder("="), copy=False)

    def _decoded(self, frame: Frame) -> np.ndarray:
        with quiet():
            if self._path != frame.path:
                self._data, self._path = dcmread(frame.path, force=True), frame.path
            stream = get_frame(self._data.PixelData, frame.index, number_of_frames=frame.pixels.frames)
            check_codestream(stream, frame.pixels)
            decoder = get_decoder(uid.UID(frame.pixels.transfer_syntax))
            values, _ = next(decoder.iter_array(self._data, indices=[frame.index], raw=True))
        return np.array(values)


def meaningful(raw: np.ndarray, kept: PixelFormat) -> np.ndarray:
    """Drop the bits of storage outside of the stored ones, which may hold anything, and give them their sign.

    Args:
        raw: whole numbers of any sign; may be changed in place.
        kept: which bits mean something, and whether they are two's complement (PS3.5, section 8.1.1).
    """
    size = raw.dtype.itemsize
    signed, raw = np.dtype(f"i{size}"), raw.view(f"u{size}")
    if kept.bits_stored >= 8 * size:
        return raw.view(signed) if kept.signed else raw
    np.right_shift(raw, kept.high_bit + 1 - kept.bits_stored, out=raw)
    np.bitwise_and(raw, (1 << kept.bits_stored) - 1, out=raw)
    if kept.signed:
        # Lifts the highest stored bit into all bits above it.
        sign = raw.dtype.type(1 << (kept.bits_stored - 1))
        np.bitwise_xor(raw, sign, out=raw)
        np.subtract(raw, sign, out=raw)
    return raw.view(signed)
