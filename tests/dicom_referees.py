"""Programs that judge what the DICOM writer wrote: dcm2niix reads it, dciodvfy looks for faults."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from laws import SAME_PLACE_MM, points, ramp

from preprocessing.dicom.identity import new_identity
from preprocessing.dicom.series_description import Equipment, SeriesDescription
from preprocessing.dicom.uids import make_uid
from preprocessing.grid import Grid

MOMENT = datetime(2021, 5, 4, 9, 30, 15)
IDENTITY = new_identity(
    patient_id="TOY-1", patient_name="TOY^DIGITAL", study_uid=make_uid("toy study"), moment=MOMENT
)


def described(**further) -> SeriesDescription:
    """A series of a toy scanner."""
    said = {
        "uid": make_uid("toy series"),
        "frame_of_reference_uid": make_uid("toy frame"),
        "number": 3,
        "description": "TOY",
        "moment": MOMENT,
        "equipment": Equipment(manufacturer="Toys", model="Toy", software="1"),
        "windows": ((40.0, 400.0), (500.0, 2000.0)),
        "body_part": "PELVIS",
        "patient_position": "HFS",
    }
    return SeriesDescription(**(said | further))


def whole_ramp(grid: Grid) -> np.ndarray:
    """Whole numbers that change along every axis of the patient, axes (slice, row, column)."""
    return np.rint(steep_ramp(points(grid))).T


def steep_ramp(where: np.ndarray) -> np.ndarray:
    """Values at places in LPS millimetres, some of them lighter than water, as in every CT."""
    return 5 * ramp(where) - 600


def faults(path: Path) -> list[str]:
    """Lines in which dciodvfy calls something an error."""
    if not shutil.which("dciodvfy"):
        pytest.skip("no dciodvfy here: install dicom3tools to check written DICOM against the standard")
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, timeout=60)
    said = (done.stdout + done.stderr).splitlines()
    assert said, "dciodvfy said nothing at all"
    return [line for line in said if line.startswith("Error")]


def converted(folder: Path, out: Path) -> tuple[dict[str, nib.Nifti1Image], str]:
    """What dcm2niix makes of a folder: images by the end of their names, and what it says."""
    dcm2niix = pytest.importorskip("dcm2niix", reason="no dcm2niix here: it comes with the test extra")
    out.mkdir()
    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "x", "-o", str(out), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return {path.stem[1:]: nib.load(path) for path in sorted(out.glob("*.nii"))}, done.stdout


def assert_same_volume(image: nib.Nifti1Image, values: np.ndarray, grid: Grid) -> None:
    """The image holds every voxel of (slice, row, column) values at its place on a grid, and no other."""
    found = image.get_fdata()
    assert found.size == values.size
    index = np.indices(found.shape).reshape(3, -1).T
    world = nib.affines.apply_affine(np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine, index)
    inverse = np.linalg.inv(grid.affine_lps)
    place = world @ inverse[:3, :3].T + inverse[:3, 3]
    nearest = np.rint(place).astype(int)
    away = (place - nearest) @ grid.affine_lps[:3, :3].T
    assert np.abs(away).max() < SAME_PLACE_MM
    np.testing.assert_array_equal(found.reshape(-1), values.T[tuple(nearest.T)])
