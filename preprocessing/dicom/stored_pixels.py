"""How values become the integers of a DICOM file: scaling, word, padding and compression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, Num
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from preprocessing.dicom.placed_slice import PlacedSlice

TRANSFER_SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
}
"""Transfer syntaxes that can be written, all without loss, by name."""
PLUGINS = {"rle": "pydicom", "jpeg-ls": "pyjpegls"}
"""The encoders that pydicom calls: named, so that bytes do not depend on what else is installed."""

SMALLEST_JPEG_2000 = 32
"""Rows and columns that the encoder's six resolutions need at least."""


@dataclass(frozen=True, kw_only=True)
class StoredPixels:
    """How values are stored: value = stored * slope + intercept.

    Args:
        slope: of the rescale, units per stored step.
        intercept: of the rescale, HU or MR units.
        bits: bits stored, at most 16.
        signed: whether stored integers are two's complement.
        padding: stored integer where nothing was scanned, or None if there is no such place.
        syntax: a name of `TRANSFER_SYNTAXES`.

    Raises:
        ValueError: if one of these is out of range.
    """

    slope: float = 1.0
    intercept: float = 0.0
    bits: int = 16
    signed: bool = True
    padding: int | None = None
    syntax: str = "explicit"

    def __post_init__(self) -> None:
        """Refuse what cannot be stored."""
        if self.syntax not in TRANSFER_SYNTAXES:
            known = ", ".join(TRANSFER_SYNTAXES)
            raise ValueError(f"expected a transfer syntax of {known}, found {self.syntax!r}")
        if not 8 < self.bits <= 16 or not self.slope > 0:
            raise ValueError(f"expected 9 to 16 bits and a slope above 0, found {self.bits} and {self.slope}")
        low, high = self.range
        if self.padding is not None and not low <= self.padding <= high:
            raise ValueError(f"expected padding in {low}..{high}, found {self.padding}")

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest integer that can be stored."""
        if self.signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1

    def stored(self, plane: PlacedSlice) -> Integer[np.ndarray, "row column"]:
        """Integers of a slice, 16-bit; values are rounded to the nearest step.

        Args:
            plane: the slice.

        Raises:
            ValueError: if a value cannot be stored, or a place was not scanned and there is no padding.
        """
        integers = self._integers(plane.values)
        if plane.scanned is not None and not plane.scanned.all():
            if self.padding is None:
                raise ValueError("expected a padding value for places that were not scanned, found none")
            integers = np.where(plane.scanned, integers, self.padding)
        return integers.astype(self.dtype)

    @property
    def dtype(self) -> np.dtype[np.integer]:
        """Word of a stored pixel, low byte first."""
        return np.dtype("<i2" if self.signed else "<u2")

    def _integers(self, values: Num[np.ndarray, "row column"]) -> NDArray[np.float64]:
        steps: NDArray[np.float64] = np.rint((values.astype(np.float64) - self.intercept) / self.slope)
        low, high = self.range
        # Written so that NaN is refused too.
        if not (steps.min() >= low and steps.max() <= high):
            least, most = (step * self.slope + self.intercept for step in (low, high))
            raise ValueError(
                f"expected values in {least:g}..{most:g}, found {values.min():g}..{values.max():g}: "
                "clip them, or choose another slope and intercept"
            )
        return steps

    def describe(self, target: Dataset, *, rows: int, columns: int) -> None:
        """Write the Image Pixel module without the pixels into a data set, in place.

        Args:
            target: the data set of an image.
            rows: number of rows.
            columns: number of columns.
        """
        target.SamplesPerPixel = 1
        target.PhotometricInterpretation = "MONOCHROME2"
        target.Rows, target.Columns = rows, columns
        target.BitsAllocated, target.BitsStored, target.HighBit = 16, self.bits, self.bits - 1
        target.PixelRepresentation = int(self.signed)
        if self.padding is not None:
            target.add_new("PixelPaddingValue", "SS" if self.signed else "US", self.padding)


def set_pixels(target: Dataset, stored: Integer[np.ndarray, "*frames row column"], syntax: str) -> None:
    """Write the pixels into a described data set with its file meta information, in place.

    Args:
        target: the data set of an image.
        stored: 16-bit integers.
        syntax: a name of `TRANSFER_SYNTAXES`.
    """
    target.file_meta.TransferSyntaxUID = TRANSFER_SYNTAXES["implicit" if syntax == "implicit" else "explicit"]
    target.add_new("PixelData", "OW", stored.tobytes())
    if syntax in PLUGINS:
        target.compress(
            TRANSFER_SYNTAXES[syntax], encoding_plugin=PLUGINS[syntax], generate_instance_uid=False
        )
    elif syntax == "jpeg-2000":
        _compress_jpeg_2000(target, stored)


def _compress_jpeg_2000(target: Dataset, stored: Integer[np.ndarray, "*frames row column"]) -> None:
    """Compress with OpenJPEG itself: pydicom reaches it only through a package that we do not need."""
    if min(stored.shape[-2:]) < SMALLEST_JPEG_2000:
        raise ValueError(
            f"JPEG 2000: expected {SMALLEST_JPEG_2000} rows and columns or more, found {stored.shape[-2:]}: "
            "choose another transfer syntax"
        )
    frames = stored.reshape(-1, *stored.shape[-2:])
    streams = [encode_array(np.ascontiguousarray(frame), bits_stored=target.BitsStored) for frame in frames]
    target.file_meta.TransferSyntaxUID = JPEG2000Lossless
    target.add_new("PixelData", "OB", encapsulate(streams))
    target["PixelData"].is_undefined_length = True
