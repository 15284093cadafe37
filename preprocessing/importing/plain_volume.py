"""Read NIfTI, NRRD and MetaImage (MHA, MHD) volumes under the same checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from preprocessing.grid import grid_of
from preprocessing.importing.text_header import check_text_header
from preprocessing.nifti import SUFFIXES, NiftiError, require_usable_axes
from preprocessing.volume import VolumeError, read_volume


class PlainVolumeError(ValueError):
    """A volume cannot be used; the message says what was expected, what was found, what to do."""


def read_plain_volume(path: Path, *, source: Path) -> sitk.Image:
    """Read a whole 3D scalar volume: 16-bit integers where these hold every voxel, else 32-bit floats.

    Args:
        path: a NIfTI, NRRD or MetaImage file.
        source: folder that a detached data file must lie in.

    Raises:
        PlainVolumeError: if it is damaged, truncated, not 3D, not scalar, without orientation, of absurd
            spacing, sheared, not finite, or names a data file elsewhere.
    """
    try:
        image = read_volume(path) if path.name.endswith(SUFFIXES) else _read_by_itk(path, source)
    except VolumeError as error:
        # The cause says the same without the path.
        raise PlainVolumeError(str(error.__cause__ or error)) from error
    except NiftiError as error:
        raise PlainVolumeError(str(error)) from error
    return as_compact(image)


def as_compact(image: sitk.Image) -> sitk.Image:
    """The same voxels as 16-bit integers where these hold them exactly, else as 32-bit floats.

    Args:
        image: a scalar image.
    """
    voxels = sitk.GetArrayViewFromImage(image)
    limits = np.iinfo(np.int16)
    exact = limits.min <= voxels.min() and voxels.max() <= limits.max
    if exact and voxels.dtype.kind == "f":
        # Slice by slice, so that no second volume stands in memory.
        exact = all(np.array_equal(piece, np.rint(piece)) for piece in voxels)
    compact: sitk.Image = sitk.Cast(image, sitk.sitkInt16 if exact else sitk.sitkFloat32)
    return compact


def _read_by_itk(path: Path, source: Path) -> sitk.Image:
    check_text_header(path, source=source)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        # Not ITK's words: they quote header and path.
        remedy = "copy or export it again"
        raise NiftiError(expected="a whole file", found="one that ITK cannot read", remedy=remedy) from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        found = f"{image.GetDimension()} dimensions with {image.GetNumberOfComponentsPerPixel()} components"
        raise NiftiError(
            expected="a 3D scalar volume", found=found, remedy="write each volume to its own file"
        )
    require_usable_axes(grid_of(image).affine_lps)
    wrong = int(np.size(view := sitk.GetArrayViewFromImage(image)) - np.isfinite(view).sum())
    if wrong:
        remedy = "replace them by a value that means air"
        raise NiftiError(expected="finite voxels", found=f"{wrong} NaN or infinite", remedy=remedy)
    return image
