"""Small DICOM files written with plain pydicom, so that the reader is not tested against its own writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
MR_CLASS = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
SERIES_UID = "1.2.826.0.1.3680043.8.498.1"

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
ROWS, COLUMNS = 8, 10
PIXEL_SPACING = (0.75, 1.5)
"""Millimetres between rows, then between columns: unlike, so that a swap is seen."""
CORNER = (-31.0, 17.0, 240.0)
"""Centre of the first voxel of a toy's first slice, LPS millimetres."""


def turned(orientation: Sequence[float], degrees: tuple[float, float, float]) -> tuple[float, ...]:
    """An orientation, turned about the L, P and S axes."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        turn = np.eye(3)
        first, second = [other for other in range(3) if other != axis]
        turn[[first, second], [first, second]] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return tuple(float(value) for value in (np.reshape(orientation, (2, 3)) @ matrix.T).ravel())


def normal_of(orientation: Sequence[float]) -> np.ndarray:
    """Unit normal of a plane in LPS."""
    row, column = np.reshape(orientation, (2, 3))
    return np.cross(row, column)


def positions_along(
    places: Sequence[float], orientation: Sequence[float] = AXIAL, slant: Sequence[float] = (0, 0)
) -> np.ndarray:
    """First voxels of slices at millimetres along their normal.

    Args:
        places: millimetres along the normal from `CORNER`.
        orientation: of the slices.
        slant: millimetres along rows and columns for each millimetre along the normal.
    """
    row, column = np.reshape(orientation, (2, 3))
    step = normal_of(orientation) + slant[0] * row + slant[1] * column
    return np.asarray(CORNER) + np.outer(places, step)


def world_of(data: Dataset, row: Any, column: Any) -> np.ndarray:
    """Place of a pixel by the formula of PS3.3, section C.7.6.2.1.1."""
    along_row, along_column = np.reshape(np.array(data.ImageOrientationPatient, dtype=float), (2, 3))
    down, across = (float(value) for value in data.PixelSpacing)
    start = np.array(data.ImagePositionPatient, dtype=float)
    return start + np.multiply.outer(column, along_row * across) + np.multiply.outer(row, along_column * down)


def header(**elements: Any) -> Dataset:
    """Everything but geometry and pixels; None leaves an element out, a DataElement goes in as it is."""
    data = Dataset()
    values = {
        "SOPClassUID": CT_CLASS,
        "SOPInstanceUID": uid.generate_uid(),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Modality": "CT",
        "Manufacturer": "Toys",
        "PatientName": "Planted^Name",
        "PatientID": "PLANTED-ID",
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.2",
        "SeriesInstanceUID": SERIES_UID,
        "SeriesNumber": 7,
        "SeriesDescription": "toy",
        "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.3",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        **elements,
    }
    for name, value in values.items():
        if isinstance(value, DataElement):
            data.add(value)
        elif value is not None:
            setattr(data, name, value)
    return data


def mr(**elements: Any) -> dict[str, Any]:
    """Elements that make a toy an MR image without rescaling."""
    kind = {"SOPClassUID": MR_CLASS, "Modality": "MR", "RescaleSlope": None, "RescaleIntercept": None}
    return {**kind, "ImageType": ["ORIGINAL", "PRIMARY", "M"], **elements}


def give_pixels(data: Dataset, pixels: np.ndarray) -> None:
    """Put whole numbers in, as many bytes each as Bits Allocated says."""
    data.Rows, data.Columns = pixels.shape[-2:]
    size = data.BitsAllocated // 8
    data.PixelData = pixels.astype(f"<{'i' if data.PixelRepresentation else 'u'}{size}").tobytes()
    data["PixelData"].VR = "OW"


def save(data: Dataset, path: Path, *, syntax: str = uid.ExplicitVRLittleEndian, bare: bool = False) -> Path:
    """Write a data set as a file; `bare` without preamble and file meta information."""
    path.parent.mkdir(parents=True, exist_ok=True)
    implicit = syntax == uid.ImplicitVRLittleEndian
    big = syntax == uid.ExplicitVRBigEndian
    if bare:
        data.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)
        return path
    if big:
        kind = np.dtype(f"i{data.BitsAllocated // 8}")
        data.PixelData = np.frombuffer(data.PixelData, kind).astype(kind.newbyteorder(">")).tobytes()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.UID(syntax)
    meta.MediaStorageSOPClassUID = data.get("SOPClassUID") or CT_CLASS
    meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID", uid.generate_uid())
    whole = FileDataset(
        str(path),
        data,
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=implicit,
        is_little_endian=not big,
    )
    whole.save_as(path, implicit_vr=implicit, little_endian=not big, enforce_file_format=True)
    return path


def counted(index: int) -> np.ndarray:
    """Pixels whose value tells slice, row and column: 100 x slice + 10 x row + column."""
    rows, columns = np.indices((ROWS, COLUMNS))
    return 100 * index + 10 * rows + columns - 1000


def toy_slice(position: Sequence[float], pixels: np.ndarray, **elements: Any) -> Dataset:
    """One slice; orientation is axial unless said otherwise."""
    data = header(
        **{
            "ImagePositionPatient": [round(float(value), 9) for value in position],
            "ImageOrientationPatient": list(AXIAL),
            "PixelSpacing": list(PIXEL_SPACING),
            "SliceThickness": 1,
            **elements,
        }
    )
    give_pixels(data, pixels)
    return data


def toy_series(
    folder: Path,
    places: Sequence[float],
    *,
    orientation: Sequence[float] = AXIAL,
    slant: Sequence[float] = (0, 0),
    pixels: Callable[[int], np.ndarray] = counted,
    syntax: str = uid.ExplicitVRLittleEndian,
    prefix: str = "slice",
    **elements: Any,
) -> list[Path]:
    """Write a series, one file a slice; a callable among the elements gets the slice's number.

    Args:
        folder: where to.
        places: millimetres along the normal.
        orientation: of the slices.
        slant: of the stack, as `positions_along` takes it.
        pixels: of each slice.
        syntax: transfer syntax.
        prefix: of the files' names.
        elements: further elements, or other values of those that a toy has.
    """
    paths = []
    for index, position in enumerate(positions_along(places, orientation, slant)):
        own = {name: value(index) if callable(value) else value for name, value in elements.items()}
        own = {"ImageOrientationPatient": [round(value, 9) for value in orientation], **own}
        data = toy_slice(position, pixels(index), **{"InstanceNumber": len(places) - index, **own})
        paths.append(save(data, folder / f"{prefix}{index:03d}", syntax=syntax))
    return paths


def enhanced(
    frames: Sequence[dict[str, Any]],
    pixels: np.ndarray,
    *,
    shared: dict[str, Any] | None = None,
    **elements: Any,
) -> Dataset:
    """A multi-frame object; each frame and the shared part name groups with their elements.

    Args:
        frames: for each frame {"PlanePositionSequence": {"ImagePositionPatient": ...}, ...}.
        pixels: frame, row, column.
        shared: the same for all frames.
        elements: of the file.
    """
    data = header(**{"SOPClassUID": ENHANCED_CT, "RescaleSlope": None, "RescaleIntercept": None, **elements})
    data.NumberOfFrames = len(frames)
    if shared is not None:
        data.SharedFunctionalGroupsSequence = Items([_groups(shared)])
    data.PerFrameFunctionalGroupsSequence = Items([_groups(frame) for frame in frames])
    give_pixels(data, pixels)
    return data


def plane(position: Sequence[float], **groups: Any) -> dict[str, Any]:
    """Groups of a frame at a position."""
    return {"PlanePositionSequence": {"ImagePositionPatient": [float(value) for value in position]}, **groups}


def shared_groups(orientation: Sequence[float] = AXIAL, **groups: Any) -> dict[str, Any]:
    """Groups that all frames of a toy share."""
    return {
        "PlaneOrientationSequence": {"ImageOrientationPatient": list(orientation)},
        "PixelMeasuresSequence": {"PixelSpacing": list(PIXEL_SPACING), "SliceThickness": 1},
        "PixelValueTransformationSequence": {
            "RescaleSlope": 1,
            "RescaleIntercept": 0,
            "RescaleType": "HU",
        },
        **groups,
    }


def _groups(named: dict[str, Any]) -> Dataset:
    data = Dataset()
    for group, elements in named.items():
        inner = Dataset()
        for name, value in elements.items():
            setattr(inner, name, value)
        setattr(data, group, Items([inner]))
    return data
