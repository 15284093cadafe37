"""Read the slices that a DICOM file describes, from its header alone; anything else is refused by name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from preprocessing.dicom.dataset import OpenedFile, open_header, quiet
from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import Frame, PixelFormat, SeriesHeader
from preprocessing.dicom.groups import Layers, layer_with, layers_of
from preprocessing.dicom.kinds import IMAGES, require_image, require_scan
from preprocessing.dicom.mosaic import is_mosaic, tiles_of
from preprocessing.dicom.pixel_format import pixel_format
from preprocessing.dicom.values import number, numbers, text, texts, whole

MAX_SPACING_MM = 100.0
MIN_SPACING_MM = 0.01
"""No body is scanned coarser or finer than this: beyond, the header is wrong or in other units."""
MAX_POSITION_MM = 1e5
"""No scanner's table goes that far."""
RIGHT_ANGLE_TOLERANCE = 1e-3
"""Largest deviation from unit length and from a right angle of the directions of rows and columns."""


def read_frames(path: Path) -> tuple[Frame, ...]:
    """Read the header of a file: one frame per slice that it holds.

    Args:
        path: a file; any bytes end in frames or in a refusal.

    Raises:
        DicomError: if the file holds no usable slices of a CT or MR.
    """
    try:
        with quiet():
            return _frames(path)
    except DicomError:
        raise
    except OSError as error:
        remedy = "check the disk and the file's permissions"
        found = error.strerror or type(error).__name__
        raise DicomError("corrupt", expected="a readable file", found=found, remedy=remedy) from error
    except Exception as error:  # a parser of foreign bytes may raise anything at all
        remedy = "the file is damaged: copy or export it again"
        found = f"bytes that do not decode ({type(error).__name__})"
        raise DicomError("corrupt", expected="a whole DICOM header", found=found, remedy=remedy) from error


def _frames(path: Path) -> tuple[Frame, ...]:
    opened = open_header(path)
    series = _series(opened)
    require_image(opened, series)
    pixels = pixel_format(opened)
    frames = [
        _frame(path, index, layers, series, pixels)
        for index, layers in enumerate(layers_of(opened.data, pixels.frames))
    ]
    if all("LOCALIZER" in frame.image_type for frame in frames):
        require_scan(frames[0].image_type)
    return tiles_of(frames[0], opened.data) if is_mosaic(frames[0]) else tuple(frames)


def _series(opened: OpenedFile) -> SeriesHeader:
    data = opened.data
    kind = text(data, "SOPClassUID") or text(opened.meta, "MediaStorageSOPClassUID")
    return SeriesHeader(
        modality=text(data, "Modality").upper() or IMAGES.get(kind, ""),
        sop_class=kind,
        patient_id=text(data, "PatientID"),
        patient_name=text(data, "PatientName"),
        patient_birth_date=text(data, "PatientBirthDate"),
        study_uid=text(data, "StudyInstanceUID"),
        study_date=text(data, "StudyDate"),
        study_description=text(data, "StudyDescription"),
        series_uid=text(data, "SeriesInstanceUID"),
        series_number=whole(data, "SeriesNumber"),
        series_description=text(data, "SeriesDescription"),
        protocol=text(data, "ProtocolName"),
        body_part=text(data, "BodyPartExamined").upper(),
        manufacturer=text(data, "Manufacturer"),
        model=text(data, "ManufacturerModelName"),
        sequence_name=text(data, "SequenceName"),
        scanning_sequence=text(data, "ScanningSequence"),
        field_strength=number(data, "MagneticFieldStrength"),
        repetition_time=number(data, "RepetitionTime"),
        inversion_time=number(data, "InversionTime"),
        flip_angle=number(data, "FlipAngle"),
        kernel=text(data, "ConvolutionKernel"),
        contrast_agent=text(data, "ContrastBolusAgent"),
        gantry_tilt=number(data, "GantryDetectorTilt"),
    )


def _frame(path: Path, index: int, layers: Layers, series: SeriesHeader, pixels: PixelFormat) -> Frame:
    position = _geometry(layers, "ImagePositionPatient", 3)
    orientation = _geometry(layers, "ImageOrientationPatient", 6)
    spacing = _geometry(layers, "PixelSpacing", 2)
    _require_plausible(position, orientation, spacing)

    def first(keyword: str) -> float | None:
        return number(layer_with(layers, keyword), keyword)

    def count(*keywords: str) -> int | None:
        found = (whole(layer_with(layers, keyword), keyword) for keyword in keywords)
        return next((value for value in found if value is not None), None)

    def line(keyword: str) -> str:
        return text(layer_with(layers, keyword), keyword)

    echo = first("EffectiveEchoTime")
    return Frame(
        path=path,
        index=index,
        series=series,
        pixels=pixels,
        rows=pixels.rows,
        columns=pixels.columns,
        position=(position[0], position[1], position[2]),
        orientation=_unit_directions(orientation),
        pixel_spacing=(spacing[0], spacing[1]),
        thickness=first("SliceThickness"),
        slope=first("RescaleSlope"),
        intercept=first("RescaleIntercept"),
        rescale_type=line("RescaleType").upper(),
        frame_of_reference=line("FrameOfReferenceUID"),
        image_type=_image_type(layers),
        component=line("ComplexImageComponent").upper(),
        stack_id=line("StackID"),
        echo_time=echo if echo is not None else first("EchoTime"),
        echo_number=count("EchoNumbers"),
        temporal_position=count("TemporalPositionIndex", "TemporalPositionIdentifier"),
        b_value=first("DiffusionBValue"),
        gradient=numbers(
            layer_with(layers, "DiffusionGradientOrientation"), "DiffusionGradientOrientation", 3
        )
        or (),
        trigger_time=_either(first("NominalCardiacTriggerDelayTime"), first("TriggerTime")),
        acquisition=count("FrameAcquisitionNumber", "AcquisitionNumber"),
        instance=count("InstanceNumber"),
        instance_uid=line("SOPInstanceUID"),
        warnings=_inverted(line("PhotometricInterpretation")),
    )


def _inverted(photometric: str) -> tuple[str, ...]:
    if photometric.upper() != "MONOCHROME1":
        return ()
    return ("monochrome1: to be shown with low values bright; the values are as they are stored",)


def _either(first: float | None, second: float | None) -> float | None:
    return second if first is None else first


def _image_type(layers: Layers) -> tuple[str, ...]:
    """Values of the frame's own type, or of the file's."""
    frame_type = texts(layer_with(layers, "FrameType"), "FrameType")
    found = frame_type or texts(layer_with(layers, "ImageType"), "ImageType")
    return tuple(value.upper() for value in found)


def _geometry(layers: Layers, keyword: str, count: int) -> tuple[float, ...]:
    found = numbers(layer_with(layers, keyword), keyword, count)
    if found is None:
        remedy = "the slice cannot be placed in the patient: export the series from the scanner or the PACS"
        raise DicomError("no_geometry", expected=f"{keyword} of {count} numbers", found="none", remedy=remedy)
    return found


def _require_plausible(
    position: tuple[float, ...], orientation: tuple[float, ...], spacing: tuple[float, ...]
) -> None:
    skew = _skew(orientation)
    faults = {
        f"directions {skew:.3g} off right angles and unit length": skew > RIGHT_ANGLE_TOLERANCE,
        f"pixels of {spacing[0]:g} x {spacing[1]:g} mm": not (
            min(spacing) >= MIN_SPACING_MM and max(spacing) <= MAX_SPACING_MM
        ),
        f"a position {max(map(abs, position)):.6g} mm away": max(map(abs, position)) > MAX_POSITION_MM,
    }
    for found, wrong in faults.items():
        if wrong:
            remedy = "the header is wrong: export the series again"
            raise DicomError("no_geometry", expected="possible geometry", found=found, remedy=remedy)


# The slices of a series share their directions.
@lru_cache
def _skew(orientation: tuple[float, ...]) -> float:
    """Deviation of directions from right angles and unit length."""
    directions = np.reshape(orientation, (2, 3))
    return float(np.abs(directions @ directions.T - np.eye(2)).max())


@lru_cache
def _unit_directions(orientation: tuple[float, ...]) -> tuple[float, float, float, float, float, float]:
    """The header's directions, made exactly orthonormal: text in a header has few decimals."""
    row, column = np.reshape(orientation, (2, 3))
    row = row / np.linalg.norm(row)
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    a, b, c, d, e, f = (float(value) for value in (*row, *column))
    return a, b, c, d, e, f
