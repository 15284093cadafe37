"""Bring the array axes of a scan into one order without touching a voxel value."""

from __future__ import annotations

from dataclasses import dataclass, replace

import SimpleITK as sitk

from preprocessing.scan import Scan

CANONICAL_CODE = "RAS"
"""Array axes in order run towards the patient's right, front and head, as nibabel's RAS+ means it."""


@dataclass(frozen=True, kw_only=True)
class CanonicalOrientation:
    """Permute and flip the array axes to the nearest of RAS+; an oblique scan keeps its oblique axes.

    Afterwards the first array axis runs towards the patient's right, the second to the front and the third to
    the head, so that nibabel reads the written file as [R, A, S].
    """

    def __call__(self, scan: Scan) -> Scan:
        """Reorder image, mask, label and coverage alike.

        Args:
            scan: a scan on any grid.
        """
        return replace(
            scan,
            image=canonical(scan.image),
            mask=None if scan.mask is None else canonical(scan.mask),
            label=None if scan.label is None else canonical(scan.label),
            coverage=None if scan.coverage is None else canonical(scan.coverage),
        )


def canonical(image: sitk.Image) -> sitk.Image:
    """Image with its axes nearest to RAS+, the same voxels at the same places.

    Args:
        image: a 3D image in LPS millimetres.
    """
    return reoriented(image, CANONICAL_CODE)


def reoriented(image: sitk.Image, code: str) -> sitk.Image:
    """Image with its axes nearest to an orientation, the same voxels at the same places.

    Args:
        image: a 3D image in LPS millimetres.
        code: where the axes run to, such as "RAS" or "LPS".
    """
    turned: sitk.Image = sitk.DICOMOrient(image, code)
    return turned


def orientation_code(image: sitk.Image) -> str:
    """Code of the orientation nearest to an image's axes.

    Args:
        image: a 3D image in LPS millimetres.
    """
    code: str = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return code
