"""Which DICOM objects are images by CT or MR; every other kind has its own reason for refusal."""

from __future__ import annotations

import re

from pydicom.uid import UID

from preprocessing.dicom.dataset import OpenedFile
from preprocessing.dicom.errors import DicomError, quoted
from preprocessing.dicom.frame import SeriesHeader
from preprocessing.dicom.values import text, texts, whole

_STORAGE = "1.2.840.10008.5.1.4.1.1."
IMAGES = {
    f"{_STORAGE}2": "CT",
    f"{_STORAGE}2.1": "CT",
    f"{_STORAGE}2.2": "CT",
    f"{_STORAGE}4": "MR",
    f"{_STORAGE}4.1": "MR",
    f"{_STORAGE}4.4": "MR",
}
"""CT and MR Image Storage; Enhanced; Legacy Converted Enhanced (PS3.6, annex A)."""
_SPECTRA = (f"{_STORAGE}4.2", "1.3.12.2.1107.5.9.1")
"""MR Spectroscopy Storage, and Siemens' private kind for raw data and spectra."""
_COLOUR = f"{_STORAGE}4.3"
_CAPTURES = (f"{_STORAGE}7", f"{_STORAGE}7.1", f"{_STORAGE}7.2", f"{_STORAGE}7.3", f"{_STORAGE}7.4")
_OTHER_IMAGES = (
    "1", "1.1", "1.2", "1.3", "3", "3.1", "5", "6", "6.1", "6.2", "12", "13", "14", "20", "30", "77", "128",
    "130", "481.1",
)  # fmt: skip
_UID = re.compile(r"[0-9.]*")
_MODALITIES = ("CT", "MR")
_CAPTURE_TYPES = ("SCREEN SAVE", "DOSE_INFO", "SECONDARY CAPTURE")


def require_image(opened: OpenedFile, series: SeriesHeader) -> None:
    """Refuse what is no greyscale CT or MR slice.

    Args:
        opened: header of a file.
        series: what was read from it.

    Raises:
        DicomError: with the reason of that kind.
    """
    kind = series.sop_class
    modality = IMAGES.get(kind) if kind else series.modality
    if modality not in _MODALITIES:
        raise _refused(
            _reason(kind, series.modality), f"class {_named(kind)}, modality {_named(series.modality)}"
        )
    if modality != series.modality:
        raise _refused("other_modality", f"class of {modality}, modality {_named(series.modality)}")
    if opened.pixels is None:
        raise DicomError("no_pixels", expected="pixels", found="none", remedy="export it with its pixels")
    _require_grey(opened)
    require_scan(texts(opened.data, "ImageType"))


def require_scan(image_type: tuple[str, ...]) -> None:
    """Refuse localizers, and screen shots that call themselves CT or MR images.

    Args:
        image_type: values of the element Image Type or Frame Type.

    Raises:
        DicomError: with reason "localizer" or "secondary_capture".
    """
    words = {value.upper() for value in image_type}
    if "LOCALIZER" in words:
        raise _refused("localizer", f"image type {quoted('/'.join(image_type))}")
    if words & set(_CAPTURE_TYPES):
        raise _refused("secondary_capture", f"image type {quoted('/'.join(image_type))}")


def _reason(kind: str, modality: str) -> str:
    if kind in _SPECTRA:
        return "spectroscopy"
    if kind == _COLOUR:
        return "colour"
    if kind in _CAPTURES:
        return "secondary_capture"
    other = any(f"{kind}.".startswith(f"{_STORAGE}{number}.") for number in _OTHER_IMAGES)
    if other or (not kind and modality):
        return "other_modality"
    return "corrupt" if _is_damaged(kind) else "not_an_image"


def _is_damaged(kind: str) -> bool:
    """Whether there is no kind, or none that was ever given out: the header may well be a damaged image's."""
    standard = kind.startswith("1.2.840.10008.")
    return not kind or not _UID.fullmatch(kind) or (standard and UID(kind).name == kind)


def _require_grey(opened: OpenedFile) -> None:
    samples = whole(opened.data, "SamplesPerPixel")
    photometric = text(opened.data, "PhotometricInterpretation").upper()
    if samples not in (None, 1) or photometric not in ("", "MONOCHROME1", "MONOCHROME2"):
        raise _refused("colour", f"{samples} samples per pixel, {_named(photometric)}")


def _named(text: str) -> str:
    return quoted(text) if text else "none"


def _refused(reason: str, found: str) -> DicomError:
    remedy = "nothing to do: only scans can be translated"
    return DicomError(reason, expected="a greyscale CT or MR image", found=found, remedy=remedy)
