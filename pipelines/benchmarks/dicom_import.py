"""A DICOM series to NIfTI: against dcm2niix, and against SimpleITK's series reader."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from pipelines.benchmarks.ct_series import write_series
from pipelines.benchmarks.measurement import Measurement, seconds_of, take_turns
from pipelines.benchmarks.one_case import import_series
from preprocessing.orientation import canonical
from preprocessing.volume import read_volume

OWN_SECONDS = re.compile(r"Conversion required ([0-9.]+) seconds")
"""What dcm2niix says of its own time, its start-up left out. That "for core code" leaves writing out."""
FASTEST_LEVEL = 1
"""Of dcm2niix's compression: its files are larger than ours then, and other levels take it longer."""
MEGABYTE = 1e6


def measure_import(work: Path, *, slices: int, side: int, repeats: int) -> list[Measurement]:
    """Time the reading and writing of one series, without and with compression.

    Args:
        work: folder for the series and what is made of it.
        slices: of the series.
        side: pixels along a side of a slice.
        repeats: runs of each.
    """
    series = write_series(work / "series", slices=slices, side=side)
    what = f"{slices} slices of {side} x {side}"
    rivals = [
        _against_simpleitk(series, work, what=what, repeats=repeats),
        _against_dcm2niix(series, work, what=what, level=None, repeats=repeats),
        _against_dcm2niix(series, work, what=what, level=FASTEST_LEVEL, repeats=repeats),
    ]
    return [rival for rival in rivals if rival is not None]


def _against_simpleitk(series: Path, work: Path, *, what: str, repeats: int) -> Measurement:
    ours, theirs = work / "ours.nii", work / "simpleitk.nii"
    timing = take_turns(
        _anew(ours, lambda: import_series(series, ours)),
        _anew(theirs, lambda: sitk.WriteImage(_read_by_simpleitk(series), str(theirs))),
        repeats=repeats,
    )
    return Measurement(
        name=f"import {what}, uncompressed, against SimpleITK",
        seconds=timing.seconds,
        baseline_seconds=timing.baseline_seconds,
        agreement=_agreement(ours, theirs),
        repeats=repeats,
    )


def _read_by_simpleitk(series: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    image: sitk.Image = reader.Execute()
    return image


def _against_dcm2niix(
    series: Path, work: Path, *, what: str, level: int | None, repeats: int
) -> Measurement | None:
    """Against dcm2niix, or None where that is not installed."""
    try:
        from dcm2niix import bin as program
    except ImportError:
        return None
    ending = ".nii" if level is None else ".nii.gz"
    ours, theirs = work / f"ours{ending}", work / f"dcm2niix{ending}"
    compression = ["-z", "n"] if level is None else ["-z", "i", f"-{level}"]
    command = [program, *compression, "-b", "n", "-w", "1", "-f", "dcm2niix", "-o", str(work), str(series)]
    timing = take_turns(
        _anew(ours, lambda: import_series(series, ours)),
        _anew(theirs, lambda: _own_seconds(command)),
        repeats=repeats,
    )
    kind = "uncompressed" if level is None else f"gzip, its level {level}"
    return Measurement(
        name=f"import {what}, {kind}, against dcm2niix",
        seconds=timing.seconds,
        baseline_seconds=timing.baseline_seconds,
        agreement=_agreement(ours, theirs),
        repeats=repeats,
        target="at most 1.5 times its time: 0.67 or more times faster",
    )


def _anew(path: Path, work: Callable[[], object]) -> Callable[[], float]:
    """The seconds of work that writes a file which is not there: imports write new ones, which is faster."""

    def run() -> float:
        path.unlink(missing_ok=True)
        return seconds_of(work)

    return run


def _own_seconds(command: list[str]) -> float:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = OWN_SECONDS.search(said)
    if found is None:
        raise ValueError(f"expected dcm2niix to say how long it took, found: {said.strip()[-200:]}")
    return float(found[1])


def _agreement(ours: Path, theirs: Path) -> str:
    one, other = (canonical(read_volume(path)) for path in (ours, theirs))
    voxels = np.abs(sitk.GetArrayViewFromImage(one) - sitk.GetArrayViewFromImage(other)).max()
    corners = [
        np.array([image.TransformIndexToPhysicalPoint(end) for end in ((0, 0, 0), _last(image))])
        for image in (one, other)
    ]
    distance = float(np.linalg.norm(corners[0] - corners[1], axis=1).max())
    sizes = " and ".join(f"{path.stat().st_size / MEGABYTE:.1f}" for path in (ours, theirs))
    return f"voxels differ by at most {float(voxels):g}, corners by {distance:.2g} mm; files of {sizes} MB"


def _last(image: sitk.Image) -> tuple[int, ...]:
    return tuple(count - 1 for count in image.GetSize())
