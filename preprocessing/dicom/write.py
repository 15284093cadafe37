"""The one writer of DICOM images: CT and MR series, single-frame and enhanced, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydicom import Dataset

from preprocessing.atomic import folder_written_beside, written_beside
from preprocessing.dicom.identity import Identity
from preprocessing.dicom.multi_frame import multi_frame
from preprocessing.dicom.placed_slice import PlacedSlice
from preprocessing.dicom.series_description import SeriesDescription
from preprocessing.dicom.single_frame import single_frames
from preprocessing.dicom.stored_pixels import StoredPixels

CT_PIXELS = StoredPixels(intercept=-1024.0)
"""HU from -33792 to 31743, without loss."""


def write_ct_series(
    slices: Sequence[PlacedSlice],
    folder: Path,
    *,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels = CT_PIXELS,
    names: Sequence[str] | None = None,
) -> list[Path]:
    """Write a series of CT Image Storage, a file per slice, and return the files in the order of the slices.

    Args:
        slices: HU, all of one matrix; positions may be uneven, and slanted to the planes under a gantry tilt.
        folder: a new or empty folder; it is there when all files are whole.
        identity: patient and study.
        series: the series.
        pixels: how values are stored.
        names: of the files; by default IM0001 and so on.

    Raises:
        ValueError: if the slices differ in matrix, a value cannot be stored, or the names do not fit.
        FileExistsError: if the folder holds something.
    """
    return _write_series(
        slices, folder, modality="CT", identity=identity, series=series, pixels=pixels, names=names
    )


def write_mr_series(
    slices: Sequence[PlacedSlice],
    folder: Path,
    *,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels,
    names: Sequence[str] | None = None,
) -> list[Path]:
    """Write a series of MR Image Storage, a file per slice, and return the files in the order of the slices.

    Args:
        slices: MR units, all of one matrix.
        folder: a new or empty folder; it is there when all files are whole.
        identity: patient and study.
        series: the series.
        pixels: how values are stored; MR has no unit that would say it.
        names: of the files; by default IM0001 and so on.

    Raises:
        ValueError: if the slices differ in matrix, a value cannot be stored, or the names do not fit.
        FileExistsError: if the folder holds something.
    """
    return _write_series(
        slices, folder, modality="MR", identity=identity, series=series, pixels=pixels, names=names
    )


def write_enhanced_ct(
    slices: Sequence[PlacedSlice],
    path: Path,
    *,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels = CT_PIXELS,
) -> Path:
    """Write slices as one object of Enhanced CT Image Storage and return its path.

    Args:
        slices: HU, all of one matrix; frames stand in this order, whatever their positions and stacks.
        path: the file; its folder is made if missing.
        identity: patient and study.
        series: the series; an original one needs the groups of its acquisition to be a valid object.
        pixels: how values are stored.

    Raises:
        ValueError: if the slices differ in matrix, or a value cannot be stored.
    """
    image = multi_frame(slices, modality="CT", identity=identity, series=series, pixels=pixels)
    return save_dataset(image, path)


def write_enhanced_mr(
    slices: Sequence[PlacedSlice],
    path: Path,
    *,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels,
) -> Path:
    """Write slices as one object of Enhanced MR Image Storage and return its path.

    Args:
        slices: MR units, all of one matrix; frames stand in this order, whatever their positions and stacks.
        path: the file; its folder is made if missing.
        identity: patient and study.
        series: the series; an original one needs the groups of its acquisition to be a valid object.
        pixels: how values are stored.

    Raises:
        ValueError: if the slices differ in matrix, or a value cannot be stored.
    """
    image = multi_frame(slices, modality="MR", identity=identity, series=series, pixels=pixels)
    return save_dataset(image, path)


def save_dataset(image: Dataset, path: Path) -> Path:
    """Write a data set as a DICOM file, whole or not at all, and return its path.

    Args:
        image: with its file meta information.
        path: the file; its folder is made if missing.
    """
    with written_beside(path) as beside:
        image.save_as(beside, enforce_file_format=True)
    return path


def _write_series(
    slices: Sequence[PlacedSlice],
    folder: Path,
    *,
    modality: str,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels,
    names: Sequence[str] | None,
) -> list[Path]:
    names = list(names) if names is not None else [f"IM{n:04d}" for n in range(1, len(slices) + 1)]
    if len(set(names)) != len(slices) or any(Path(name).name != name for name in names):
        raise ValueError(f"expected {len(slices)} different plain file names, found {names[:4]}...")
    frames = single_frames(slices, modality=modality, identity=identity, series=series, pixels=pixels)
    with folder_written_beside(folder) as beside:
        for image, name in zip(frames, names, strict=True):
            image.save_as(beside / name, enforce_file_format=True)
    return [folder / name for name in names]
