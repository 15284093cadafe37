"""Compare a volume with its reference: where it lies, and every voxel."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import dcm2niix
import nibabel as nib
import numpy as np

SAME_PLACE_MM = 1e-3
SAME_VALUE = 1e-5
"""Relative to the largest value: both sides rescale 16-bit values to 32-bit floats in their own order."""
ROUNDING = 1.0
"""Of whole numbers, after interpolation."""
EDGE_ROWS = 2
"""dcm2niix makes the outermost row of a sheared slice a pixel longer on one side."""
AIR, FILL = -1000, -1024
"""What lies outside a sheared CT here, and in dcm2niix: the lowest value that is there."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far a volume is from its reference.

    Args:
        corners_mm: largest distance of a corner, infinite where the sizes differ.
        voxels: largest difference of a voxel.
        share: part of the voxels that differ by more than rounding.
        skew_mm: how far the reference's axes are from square: no volume with square axes comes closer.
        edge_rows: most voxels in a column of pixels that differ by more than rounding.
        resampled: whether rounding and the outermost rows are allowed to differ.
        largest: largest absolute value of the reference.
    """

    corners_mm: float
    skew_mm: float = 0.0
    voxels: float = float("nan")
    share: float = float("nan")
    edge_rows: int = 0
    resampled: bool = False
    largest: float = 1.0

    @property
    def squared(self) -> bool:
        """Whether it lies elsewhere by no more than its axes had to be turned to be square."""
        return SAME_PLACE_MM < self.corners_mm <= SAME_PLACE_MM + self.skew_mm

    @property
    def right(self) -> bool:
        """Whether the volume is the reference."""
        if not self.corners_mm <= SAME_PLACE_MM + self.skew_mm:
            return False
        if self.resampled:
            return self.edge_rows <= EDGE_ROWS
        return self.voxels <= SAME_VALUE * max(1.0, self.largest)


def compare(image: nib.Nifti1Image, reference: nib.Nifti1Image, *, resampled: bool = False) -> Comparison:
    """Compare two volumes after turning both to the closest RAS axes."""
    found, expected = nib.as_closest_canonical(image), nib.as_closest_canonical(reference)
    if found.shape != expected.shape:
        return Comparison(corners_mm=float("inf"))
    corners = np.array(list(product(*[(0, count - 1) for count in found.shape])))
    places = [nib.affines.apply_affine(volume.affine, corners) for volume in (found, expected)]
    square = nib.affines.apply_affine(squared(expected.affine), corners)
    values, truth = found.get_fdata(), expected.get_fdata()
    difference = np.abs(values - truth)
    if resampled:
        difference[(values == AIR) & (truth == FILL)] = 0
    tolerance = ROUNDING if resampled else SAME_VALUE * max(1.0, np.abs(truth).max())
    skew = float(np.linalg.norm(square - places[1], axis=1).max())
    return Comparison(
        corners_mm=float(np.linalg.norm(places[0] - places[1], axis=1).max()),
        voxels=float(difference.max()),
        skew_mm=skew if skew > SAME_PLACE_MM else 0.0,
        share=float((difference > tolerance).mean()),
        edge_rows=int((difference > ROUNDING).any(axis=0).sum(axis=0).max()),
        resampled=resampled,
        largest=float(np.abs(truth).max()),
    )


def squared(affine: np.ndarray) -> np.ndarray:
    """The affine with the nearest directions at right angles, as ITK reads a file whose axes are not."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    result = affine.copy()
    result[:3, :3] = left @ right * spacing
    return result


def converted(source: Path) -> nib.Nifti1Image:
    """What dcm2niix makes of a folder or file now; of a tilted one, its corrected and evened volume."""
    with tempfile.TemporaryDirectory() as folder:
        command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "volume", "-o", folder, str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        # The corrections are made one after the other, each leaving a file with a longer name.
        image = nib.load(max(Path(folder).glob("volume*.nii"), key=lambda path: len(path.name)))
        return nib.Nifti1Image(image.get_fdata(), image.affine)
