"""Transforms as files that SimpleITK, Slicer and ITK read."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from preprocessing.atomic import written_beside
from preprocessing.registration.error import RegistrationError

SUFFIXES = (".tfm", ".h5")
"""Text and HDF5; both hold composites."""


def write_transform(transform: sitk.Transform, path: Path) -> None:
    """Write a transform from fixed to moving points, LPS mm, whole or not at all.

    `SimpleITK.Resample(moving, fixed, SimpleITK.ReadTransform(path), ...)` brings the moving image.

    Args:
        transform: of any kind; a composite is applied from its last part to its first.
        path: a .tfm or .h5 file; its folder is made if missing.

    Raises:
        RegistrationError: if the name has another ending.
    """
    if path.suffix not in SUFFIXES:
        raise RegistrationError(
            f"{path}: expected a name ending in {' or '.join(SUFFIXES)}; rename the transform"
        )
    with written_beside(path) as beside:
        sitk.WriteTransform(transform, str(beside))


def read_transform(path: Path) -> sitk.Transform:
    """Read a transform from fixed to moving points, LPS mm.

    Args:
        path: a file that `write_transform` or another ITK program wrote.

    Raises:
        RegistrationError: if the file is missing or damaged.
    """
    try:
        transform: sitk.Transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise RegistrationError(f"transform {path}: expected an ITK transform, found: {reason}") from error
    return transform
