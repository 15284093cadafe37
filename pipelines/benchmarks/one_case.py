"""Work on one case, as another process can be told to do it."""

from __future__ import annotations

from pathlib import Path

from preprocessing.case_preparation import CaseTask, prepare_case
from preprocessing.dicom.read import read_series
from preprocessing.nifti_writer import write_nifti


def import_series(series: Path, path: Path) -> None:
    """Convert a DICOM series to one NIfTI file.

    Args:
        series: a folder with one volume.
        path: the file to write.
    """
    volume = read_series(series)
    write_nifti(volume.voxels, volume.grid, path)


def prepare_or_raise(task: CaseTask) -> None:
    """Prepare one case.

    Args:
        task: what to do.

    Raises:
        ValueError: if it failed: a benchmark of what fails would say nothing.
    """
    result = prepare_case(task)
    if result.state != "prepared":
        raise ValueError(f"expected the case to be prepared, found it {result.state}: {result.message}")
