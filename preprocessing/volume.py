"""Read and write one volume: a NIfTI file on disk, a SimpleITK image in LPS millimetres in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from preprocessing.grid import grid_of, place
from preprocessing.nifti import NiftiError, read_header, read_voxels
from preprocessing.nifti_writer import write_nifti

MAX_LABEL = np.iinfo(np.uint16).max
"""Largest label value that a label volume can hold."""


class VolumeError(ValueError):
    """A volume cannot be used; the message names case, file, what was expected and found, and what to do."""


def read_volume(path: Path, *, case: str = "") -> sitk.Image:
    """Read a 3D scalar volume as 32-bit floats.

    Args:
        path: a NIfTI file (.nii or .nii.gz).
        case: name of the case, for messages.

    Raises:
        VolumeError: if the file is missing, damaged, truncated, not 3D, not scalar, without orientation, or
            holds NaN or infinite voxels.
    """
    try:
        header = read_header(path)
        voxels = read_voxels(path, header)
    except NiftiError as error:
        raise VolumeError(f"case {case or '(unnamed)'}, file {path}: {error}") from error
    image = sitk.GetImageFromArray(voxels)
    place(image, header.grid)
    return image


def read_labels(path: Path, *, case: str = "") -> sitk.Image:
    """Read a 3D label volume or mask as unsigned 8-bit, or 16-bit where values need it.

    Args:
        path: a NIfTI file whose voxels are whole numbers from 0 to 65535.
        case: name of the case, for messages.

    Raises:
        VolumeError: as `read_volume`, and if voxels are not such whole numbers.
    """
    image = read_volume(path, case=case)
    array = sitk.GetArrayViewFromImage(image)
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > MAX_LABEL or not np.array_equal(array, np.rint(array)):
        found = f"values from {low:g} to {high:g}, not all whole"
        remedy = "resample labels with nearest neighbour and number them from 0"
        error = NiftiError(expected=f"whole labels from 0 to {MAX_LABEL}", found=found, remedy=remedy)
        raise VolumeError(f"case {case or '(unnamed)'}, file {path}: {error}")
    kind = sitk.sitkUInt8 if high <= np.iinfo(np.uint8).max else sitk.sitkUInt16
    labels: sitk.Image = sitk.Cast(image, kind)
    return labels


def write_volume(image: sitk.Image, path: Path) -> None:
    """Write a volume with its voxel type, whole or not at all; same volume, same bytes.

    Args:
        image: a 3D image in LPS millimetres.
        path: a .nii or .nii.gz file; its folder is made if missing.

    Raises:
        ValueError: if the name is no NIfTI name.
    """
    write_nifti(sitk.GetArrayViewFromImage(image), grid_of(image), path)
