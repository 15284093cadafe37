"""Siemens mosaics: all slices of a volume laid out as tiles of one image (NiBabel, "Siemens mosaic")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from preprocessing.dicom.dataset import quiet
from preprocessing.dicom.elements import Elements
from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import Frame, Vector
from preprocessing.dicom.values import number

MAX_TILES = 1024
"""Most tiles that a mosaic can hold."""
_TILES = 0x0019100A
_NORMAL_TOLERANCE = 1e-3


def is_mosaic(frame: Frame) -> bool:
    """Say whether a file's one frame holds the slices of a whole volume.

    Args:
        frame: of a file.
    """
    return "MOSAIC" in frame.image_type and "SIEMENS" in frame.series.manufacturer.upper()


def tiles_of(frame: Frame, data: Elements) -> tuple[Frame, ...]:
    """Take a mosaic apart into its slices, each at its own place.

    Args:
        frame: the mosaic; its position is that of a slice as large as the whole mosaic.
        data: header of the file, with Siemens' private header.

    Raises:
        DicomError: if the private header does not say how many slices there are, and towards which side.
    """
    count, normal = _layout(frame, data)
    side = math.ceil(math.sqrt(count))
    spacing = number(data, "SpacingBetweenSlices")
    if spacing is None or spacing <= 0 or frame.rows % side or frame.columns % side:
        raise _refused(f"{frame.rows} x {frame.columns} pixels for {count} slices {spacing} mm apart")
    rows, columns = frame.rows // side, frame.columns // side
    row, column = np.reshape(frame.orientation, (2, 3))
    down, across = frame.pixel_spacing
    corner = np.asarray(frame.position)
    corner = corner + row * across * (frame.columns - columns) / 2 + column * down * (frame.rows - rows) / 2
    return tuple(
        replace(
            frame,
            tile=tile,
            tiles_per_side=side,
            rows=rows,
            columns=columns,
            position=_vector(corner + tile * spacing * normal),
        )
        for tile in range(count)
    )


def _layout(frame: Frame, data: Elements) -> tuple[int, np.ndarray]:
    """Number of slices, and the direction from one to the next."""
    header = _private_header(data)
    told = _items(header, "NumberOfImagesInMosaic")
    tiles = told[0] if told else data.value(_TILES)
    normal = _items(header, "SliceNormalVector")
    if tiles is None or len(normal) != 3:
        raise _refused("no private header of Siemens that tells the slices' number and direction")
    count = int(tiles)
    if not 1 <= count <= MAX_TILES:
        raise _refused(f"{count} slices")
    across = frame.axes[:, 2]
    sign = float(np.sign(across @ np.asarray(normal, dtype=float)))
    if np.abs(sign * across - normal).max() > _NORMAL_TOLERANCE:
        raise _refused("slices that do not follow each other along their normal")
    return count, sign * across


def _private_header(data: Elements) -> Mapping[str, Any]:
    with quiet():  # NiBabel warns when its DICOM part is first imported
        from nibabel.nicom import csareader
    header: Mapping[str, Any] | None = csareader.get_csa_header(data.data)
    return header["tags"] if header else {}


def _items(tags: Mapping[str, Any], name: str) -> list[float]:
    return [float(item) for item in tags.get(name, {}).get("items", [])]


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _refused(found: str) -> DicomError:
    remedy = "export the series from the scanner as single slices"
    return DicomError("no_geometry", expected="a whole Siemens mosaic", found=found, remedy=remedy)
