"""Read a stack of DICOM slices as one volume: right, or refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Num

from preprocessing.dicom.dicom_volume import DicomVolume, GrowingVolume
from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import Frame
from preprocessing.dicom.geometry import StackGeometry, slice_grid, stack_geometry
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.kinds import require_scan
from preprocessing.dicom.ordering import SlicePlan, plan_slices, without_duplicates
from preprocessing.dicom.piecewise import resliced
from preprocessing.dicom.pixel_format import MAX_BYTES
from preprocessing.dicom.record import Findings, record_of
from preprocessing.dicom.rescaling import AIR_HU, is_whole, require_air_or_fat, require_rescaling, rescaled
from preprocessing.dicom.series import Stack, stacks_of
from preprocessing.dicom.shear import UprightBox, UprightSlice, box_around, sheared
from preprocessing.dicom.stored_values import StoredValues
from preprocessing.grid import Grid, three_floats

_BESIDE = ("not_dicom", "not_an_image", "secondary_capture", "spectroscopy", "other_modality", "localizer")
"""What may lie in a folder beside the slices of a series, and is passed over there."""


def read_series(source: str | Path | Iterable[str | Path], *, repair: bool = False) -> DicomVolume:
    """Read the one volume that a folder or some files hold.

    Args:
        source: a folder, which is searched with all below it and where localizers, reports and files of
            other kinds are passed over; or files in any order, each of which must be a slice.
        repair: whether to interpolate missing slices and to drop copies of slices.

    Raises:
        DicomError: if the files hold no volume, several, or one that cannot be read for certain.
    """
    frames, refused = _frames_of(source)
    if refused:
        raise refused[0]
    stacks = stacks_of(frames)
    if not stacks:
        remedy = "name the folder that holds the series"
        raise DicomError("no_files", expected="DICOM files", found="none", remedy=remedy)
    if len(stacks) > 1:
        listed = "; ".join(stack.label for stack in stacks)
        remedy = "name the files of one of them, or import the folder, which takes them apart"
        raise DicomError(
            "several_stacks", expected="one volume", found=f"{len(stacks)}: {listed}", remedy=remedy
        )
    return read_stack(stacks[0], repair=repair)


def read_stack(stack: Stack, *, repair: bool = False) -> DicomVolume:
    """Read a stack of slices as a volume.

    Args:
        stack: slices of one series and kind, as `stacks_of` gives them.
        repair: whether to interpolate missing slices and to drop copies of slices.

    Raises:
        DicomError: with the reason why no right volume can be made.
    """
    frames = stack.frames
    _require_volume(frames)
    require_rescaling(frames)
    geometry = stack_geometry(frames)
    used, dropped = without_duplicates(frames, geometry.along.tolist(), _same_pixels, repair=repair)
    frames = tuple(frames[index] for index in used)
    _require_volume(frames)
    geometry = stack_geometry(frames)
    plan = plan_slices(frames, geometry.along.tolist(), repair=repair)
    box = box_around(geometry, frames[0].rows, frames[0].columns, frames[0].pixel_spacing)
    _require_memory(plan, box)
    findings = Findings()
    volume = GrowingVolume((len(plan.places), box.rows, box.columns), whole=is_whole(frames))
    for plane in _planes(frames, geometry, plan, box, findings):
        volume.add(plane)
    findings.lowest, findings.highest = volume.lowest, volume.highest
    require_air_or_fat(frames[0], findings.lowest)
    return DicomVolume(
        voxels=volume.voxels(),
        grid=_grid(frames[0], geometry, plan, box),
        record=record_of(frames, geometry, plan, findings, repairs=(*dropped, *plan.repairs)),
        slice_grids=tuple(slice_grid(frame, frame.thickness or plan.step) for frame in frames),
    )


def _frames_of(source: str | Path | Iterable[str | Path]) -> tuple[list[Frame], list[DicomError]]:
    """Slices of the files, and why others have none."""
    searched = isinstance(source, str | Path) and Path(source).is_dir()
    frames: list[Frame] = []
    refused: list[DicomError] = []
    for path in _files_of(source):
        try:
            frames += read_frames(path)
        except DicomError as error:
            if not (searched and error.reason in _BESIDE):
                refused.append(error)
    return frames, refused


def _files_of(source: str | Path | Iterable[str | Path]) -> list[Path]:
    if not isinstance(source, str | Path):
        return [Path(path) for path in source]
    root = Path(source)
    return [path for path in sorted(root.rglob("*")) if path.is_file()] if root.is_dir() else [root]


def _require_volume(frames: Sequence[Frame]) -> None:
    require_scan(frames[0].image_type)
    if len(frames) < 2:
        remedy = "nothing to do, if it was meant as a single image"
        raise DicomError("single_slice", expected="two slices or more", found="one", remedy=remedy)


def _require_memory(plan: SlicePlan, box: UprightBox) -> None:
    wanted = len(plan.places) * box.rows * box.columns * 4
    if wanted > MAX_BYTES:
        remedy = "the headers are damaged, or the series mixes several scans: export it again"
        found = f"{wanted} bytes"
        raise DicomError("too_large", expected=f"at most {MAX_BYTES} bytes", found=found, remedy=remedy)


def _same_pixels(first: Frame, second: Frame) -> bool:
    reader = StoredValues()
    alike = (first.slope, first.intercept) == (second.slope, second.intercept)
    return alike and np.array_equal(reader(first), reader(second))


def _planes(
    frames: Sequence[Frame],
    geometry: StackGeometry,
    plan: SlicePlan,
    box: UprightBox,
    findings: Findings,
) -> Iterator[Num[np.ndarray, "rows columns"]]:
    """Slices of the volume, one after the other, each at its place in the upright box."""
    outside = AIR_HU if frames[0].series.modality == "CT" else 0.0
    upright = _upright(frames, geometry, box, findings, outside)
    if plan.regular:
        return (one.values for one in upright)
    return resliced(upright, geometry.along.tolist(), plan.places, outside=outside)


def _upright(
    frames: Sequence[Frame],
    geometry: StackGeometry,
    box: UprightBox,
    findings: Findings,
    outside: float,
) -> Iterator[UprightSlice]:
    down, across = frames[0].pixel_spacing
    for values, (right, lower) in zip(_measured(frames, findings), geometry.across, strict=True):
        if geometry.straight:
            yield UprightSlice(values=values, rows=(0, box.rows), columns=(0, box.columns))
        else:
            yield sheared(values, box=box, down=lower / down, right=right / across, outside=outside)


def _measured(frames: Sequence[Frame], findings: Findings) -> Iterator[Num[np.ndarray, "rows columns"]]:
    """Values of each slice as it was measured."""
    whole, reader = is_whole(frames), StoredValues()
    for frame in frames:
        values, padded = rescaled(reader(frame), frame, whole=whole)
        findings.padded += padded
        yield values


def _grid(first: Frame, geometry: StackGeometry, plan: SlicePlan, box: UprightBox) -> Grid:
    down, across = first.pixel_spacing
    corner = np.asarray(first.position) + geometry.axes @ [box.first_column * across, box.first_row * down, 0]
    return Grid(
        size=(box.columns, box.rows, len(plan.places)),
        spacing=(across, down, plan.step),
        origin=three_floats(corner),
        direction=tuple(float(value) for value in geometry.axes.ravel()),
    )
