"""What the headers say of one slice: a file of its own, a frame of an enhanced object, or a mosaic's tile."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

Vector = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class SeriesHeader:
    """What is the same for all slices of a file; empty text and None where the file does not say.

    Args:
        modality: "CT" or "MR".
        sop_class: UID of the kind of object.
        patient_id: identity, never to be written outside of the import's own map.
        patient_name: identity too.
        patient_birth_date: identity too, YYYYMMDD.
        study_uid: UID of the study.
        study_date: YYYYMMDD.
        study_description: free text.
        series_uid: UID of the series.
        series_number: number of the series in its study.
        series_description: free text.
        protocol: name of the protocol, free text.
        body_part: such as "PELVIS".
        manufacturer: of the scanner.
        model: of the scanner.
        sequence_name: of an MR.
        scanning_sequence: of an MR, such as "SE".
        field_strength: tesla.
        repetition_time: milliseconds.
        inversion_time: milliseconds.
        flip_angle: degrees.
        kernel: reconstruction kernel of a CT.
        contrast_agent: free text; "" for none or unknown.
        gantry_tilt: degrees as the tag says, which is not what geometry rests on.
    """

    modality: str
    sop_class: str = ""
    patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    study_uid: str = ""
    study_date: str = ""
    study_description: str = ""
    series_uid: str = ""
    series_number: int | None = None
    series_description: str = ""
    protocol: str = ""
    body_part: str = ""
    manufacturer: str = ""
    model: str = ""
    sequence_name: str = ""
    scanning_sequence: str = ""
    field_strength: float | None = None
    repetition_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    kernel: str = ""
    contrast_agent: str = ""
    gantry_tilt: float | None = None


@dataclass(frozen=True, kw_only=True)
class PixelFormat:
    """How a file stores its pixels.

    Args:
        rows: of a stored frame.
        columns: of a stored frame.
        frames: stored frames in the file.
        bits_allocated: 8, 16 or 32 bits of storage for a pixel.
        bits_stored: bits of it that mean something.
        high_bit: number of the highest of them.
        signed: whether they are two's complement.
        transfer_syntax: UID of the encoding.
        offset: byte where native pixels begin, of the inflated file if it is deflated; None for a codec.
        padding: lowest and highest stored value that stand for "nothing was measured here".
        lossy: whether the pixels ever went through lossy compression.
    """

    rows: int
    columns: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    transfer_syntax: str
    offset: int | None = None
    padding: tuple[int, int] | None = None
    lossy: bool = False


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One slice: where it lies, how its pixels are stored, and what tells it from its neighbours.

    Args:
        path: the file.
        index: of the stored frame in the file, from 0.
        tile: of a Siemens mosaic, counted row by row from 0; None if the frame is the slice.
        tiles_per_side: tiles along each side of a mosaic.
        series: what the whole file says.
        pixels: how the whole file stores pixels.
        rows: of the slice.
        columns: of the slice.
        position: centre of the first voxel, LPS millimetres.
        orientation: direction of a row (columns increasing), then of a column (rows increasing), in LPS.
        pixel_spacing: millimetres between rows, then between columns.
        thickness: of the slice in millimetres.
        slope: of the rescaling of stored values; None where the header has none.
        intercept: of the rescaling.
        rescale_type: such as "HU".
        frame_of_reference: UID; positions of different ones cannot be compared.
        image_type: such as ("ORIGINAL", "PRIMARY", "AXIAL").
        component: of a complex MR image, such as "MAGNITUDE".
        stack_id: of an enhanced object.
        echo_time: milliseconds.
        echo_number: of a multi-echo series.
        temporal_position: of a dynamic series.
        b_value: of a diffusion series, s/mm².
        gradient: diffusion direction.
        trigger_time: milliseconds after the R wave.
        acquisition: number of the acquisition.
        instance: number of the instance, which orders nothing.
        instance_uid: UID of the file's object: files that share it are copies of each other.
        warnings: what seemed odd, without identity.
    """

    path: Path
    index: int
    tile: int | None = None
    tiles_per_side: int = 1
    series: SeriesHeader
    pixels: PixelFormat
    rows: int
    columns: int
    position: Vector
    orientation: tuple[float, float, float, float, float, float]
    pixel_spacing: tuple[float, float]
    thickness: float | None = None
    slope: float | None = None
    intercept: float | None = None
    rescale_type: str = ""
    frame_of_reference: str = ""
    image_type: tuple[str, ...] = ()
    component: str = ""
    stack_id: str = ""
    echo_time: float | None = None
    echo_number: int | None = None
    temporal_position: int | None = None
    b_value: float | None = None
    gradient: tuple[float, ...] = ()
    trigger_time: float | None = None
    acquisition: int | None = None
    instance: int | None = None
    instance_uid: str = ""
    warnings: tuple[str, ...] = field(default=())

    @property
    def axes(self) -> Float[np.ndarray, "3 3"]:
        """Unit vectors along a row, along a column, and along the normal, as columns of a matrix in LPS."""
        a, b, c, d, e, f = self.orientation
        # numpy's own product would take longer than all else that is done with a frame.
        return np.array([[a, d, b * f - c * e], [b, e, c * d - a * f], [c, f, a * e - b * d]])
