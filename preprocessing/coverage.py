"""How much of a grid a scan reaches: voxel by voxel, and slice by slice of every plane."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.grid import Grid, grid_of, place
from preprocessing.orientation import canonical
from preprocessing.resampling import resample_nearest
from preprocessing.scan import Scan

PLANES = ("sagittal", "coronal", "axial")
"""Planes of slices in the order of the axes R, A, S along which they are stacked."""
LEAST_COVERAGE = 0.95
"""Share of a slice, or of a volume, that must have been scanned for it to be taken without a warning."""
COVERAGE_NOTE = "coverage"
"""Name of the note in a case's record."""


def coverage_on(scan: Scan, grid: Grid) -> sitk.Image:
    """1 for every voxel of a grid whose centre was scanned, else 0; uint8.

    Args:
        scan: the scan, with what is known of its own coverage.
        grid: the grid to be covered.
    """
    return resample_nearest(scan.coverage if scan.coverage is not None else _everywhere(scan.image), grid)


def coverage_note(coverage: sitk.Image) -> dict[str, object]:
    """Share of the volume, and of each slice by plane along R, A and S, as JSON values.

    Args:
        coverage: 1 where scanned, any orientation.
    """
    covered = sitk.GetArrayFromImage(canonical(coverage)).T > 0
    shares = {plane: _by_slice(covered, axis) for axis, plane in enumerate(PLANES)}
    return {
        "fraction": float(covered.mean()),
        "slices": {
            plane: [round(float(share), 6) for share in by_slice] for plane, by_slice in shares.items()
        },
    }


def with_coverage(scan: Scan, coverage: sitk.Image) -> Scan:
    """Scan with its coverage noted, and warned of where it is low.

    Args:
        scan: the scan.
        coverage: on the scan's grid.
    """
    note = coverage_note(coverage)
    fraction = float(str(note["fraction"]))
    scan = scan.with_note(COVERAGE_NOTE, note)
    if fraction < LEAST_COVERAGE:
        scan = scan.with_warning(f"the scan covers {fraction:.1%} of its reference grid")
    return scan


def _by_slice(covered: np.ndarray, axis: int) -> Float[np.ndarray, " slice"]:
    others = tuple(other for other in range(3) if other != axis)
    return np.asarray(covered.mean(axis=others))


def _everywhere(image: sitk.Image) -> sitk.Image:
    ones: sitk.Image = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    place(ones, grid_of(image))
    return ones
