"""What a file is, by its name and its first bytes; names need no ending for DICOM."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from preprocessing.dicom.dataset import is_dicom

Kind = Literal["dicom", "nifti", "nrrd", "meta"]

PLAIN_ENDINGS: dict[str, Kind] = {
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".nrrd": "nrrd",
    ".nhdr": "nrrd",
    ".mha": "meta",
    ".mhd": "meta",
}
"""Endings of the volumes that hold no identity in a header of their own."""
_SNIFF = 512
_DICOM_ENDINGS = (".dcm", ".dicom", ".ima")


def file_kind(path: Path) -> Kind | None:
    """Kind of image that a file claims to be; None if it claims to be none.

    Args:
        path: a regular file.

    Raises:
        OSError: if it cannot be read.
    """
    name = path.name.lower()
    for ending, kind in PLAIN_ENDINGS.items():
        if name.endswith(ending):
            return kind
    return "dicom" if is_dicom(path) or name.endswith(_DICOM_ENDINGS) or _is_wiped(path) else None


def plain_stem(path: Path) -> str:
    """Name of a volume without its ending.

    Args:
        path: a file of one of `PLAIN_ENDINGS`.
    """
    ending = max((end for end in PLAIN_ENDINGS if path.name.lower().endswith(end)), key=len, default="")
    return path.name[: len(path.name) - len(ending)]


def _is_wiped(path: Path) -> bool:
    """Whether a file begins with nothing but zeros, as a failing disk leaves what may have been a slice."""
    with path.open("rb") as stream:
        start = stream.read(_SNIFF)
    return bool(start) and not any(start)
