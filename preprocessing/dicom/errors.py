"""Why a DICOM file or series is refused: a fixed code for tables, and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "not_dicom": "The bytes are no DICOM file.",
        "corrupt": "The header or the pixels are damaged and cannot be decoded.",
        "truncated": "The file ends before its pixels do.",
        "too_large": "The header promises more pixels than any scan has.",
        "no_pixels": "The object holds no pixels.",
        "not_an_image": "The object is no image: a report, contour set, segmentation, presentation state.",
        "spectroscopy": "The object is a spectrum.",
        "secondary_capture": "A secondary capture: a screen shot, a scan of paper, a dose page.",
        "other_modality": "The image is neither CT nor MR.",
        "localizer": "The image is a localizer (scout, topogram).",
        "colour": "The pixels are colours.",
        "pixel_format": "The pixels are stored in a way that no CT or MR image may use.",
        "unsupported_syntax": "The transfer syntax is unknown or belongs to no still image.",
        "lossy": "The pixels were compressed with losses that change with the decoder.",
        "no_geometry": "Position, orientation or pixel spacing is missing or impossible.",
        "single_slice": "One slice is no volume.",
        "several_stacks": "The files hold several volumes where one was asked for.",
        "scattered_slices": "The slices are parallel, but do not lie on one line.",
        "missing_slice": "A gap is a whole multiple of the common one: slices are missing.",
        "mixed_spacing": "Gaps differ without a pattern that tells how the scan was planned.",
        "duplicate_slice": "Slices with the same pixels lie at one position.",
        "conflicting_slices": "Slices with different pixels lie at one position.",
        "rescale": "Stored values cannot be turned into the values they stand for.",
        "not_hu": "The values of a CT are not Hounsfield units.",
        "no_files": "There is no file to read.",
    }
)
"""Every code that `DicomError.reason` can have, with what it means."""


def quoted(text: str) -> str:
    """A text that comes from a file, between quotation marks; all else in a message is ours.

    Args:
        text: any text, such as the name of a file or the value of a tag.
    """
    return f'"{text.replace(chr(34), " ")}"'


class DicomError(ValueError):
    """A DICOM object cannot be used: `reason` is a code of `REASONS`, the message tells the case."""

    def __init__(self, reason: str, *, expected: str, found: str, remedy: str) -> None:
        """Put what was expected, found and can be done into one sentence."""
        if reason not in REASONS:
            raise KeyError(f"{reason!r} is no reason of REASONS: add it there")
        super().__init__(reason, expected, found, remedy)
        self.reason = reason

    def __str__(self) -> str:
        reason, expected, found, remedy = self.args
        return f"{reason}: expected {expected}, found {found}; {remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        # A keyword-only constructor needs help to travel between processes.
        return _rebuilt, self.args


def _rebuilt(reason: str, expected: str, found: str, remedy: str) -> DicomError:
    return DicomError(reason, expected=expected, found=found, remedy=remedy)
