"""Read and write one volume: a NIfTI file on disk, a SimpleITK image in LPS millimetres in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float, Num

from preprocessing.atomic import written_beside
from preprocessing.grid import place
from preprocessing.nifti import SUFFIXES, NiftiError, read_header, read_voxels

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
        voxels = _finite(read_voxels(path, header))
    except NiftiError as error:
        raise VolumeError(f"case {case or '(unnamed)'}, file {path}: {error}") from error
    image = sitk.GetImageFromArray(voxels.T)
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
    """Write a volume with its voxel type, whole or not at all.

    Args:
        image: a 3D image in LPS millimetres.
        path: a .nii or .nii.gz file; its folder is made if missing.

    Raises:
        ValueError: if the name is no NIfTI name.
    """
    if not path.name.endswith(SUFFIXES):
        raise ValueError(f"{path}: expected a name ending in {' or '.join(SUFFIXES)}; rename the output")
    with written_beside(path) as beside:
        sitk.WriteImage(image, str(beside), useCompression=path.name.endswith(".gz"))


def _finite(voxels: Num[np.ndarray, "i j k"]) -> Float[np.ndarray, "i j k"]:
    wrong = voxels.size - int(np.isfinite(voxels).sum())
    if wrong:
        found = f"{wrong} of {voxels.size} voxels NaN or infinite"
        remedy = "replace them by a value that means air"
        raise NiftiError(expected="finite voxels", found=found, remedy=remedy)
    return np.asarray(voxels, dtype=np.float32)
