"""A CT series on disk, as a scanner would export it: what imports are timed on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

import cyclevox
from preprocessing.dicom.identity import Identity, new_identity
from preprocessing.dicom.placed_slice import PlacedSlice
from preprocessing.dicom.series_description import Equipment, SeriesDescription
from preprocessing.dicom.uids import make_uid
from preprocessing.dicom.write import write_ct_series

FIELD_OF_VIEW = 360.0
"""Side of a slice, mm."""
THICKNESS = 2.0
"""Of a slice, mm."""
NOISE_HU = 20.0
"""Standard deviation, without which compression would find it too easy."""
MOMENT = datetime(2000, 1, 1)
AIR_HU, BODY_HU = -1000.0, 40.0
LOWEST_HU = -1024.0
"""Scanners tell no less."""


def write_series(folder: Path, *, slices: int, side: int) -> Path:
    """Write an uncompressed axial series of a noisy ellipse in air and return its folder.

    Args:
        folder: new or empty.
        slices: their number.
        side: pixels along a side.
    """
    rng = np.random.default_rng(0)
    row, column = np.indices((side, side)) / side - 0.5
    hu = np.where((row / 0.3) ** 2 + (column / 0.42) ** 2 < 1, BODY_HU, AIR_HU)
    start, step = -FIELD_OF_VIEW / 2, FIELD_OF_VIEW / side
    placed = [
        PlacedSlice(
            values=np.rint(np.maximum(hu + rng.normal(scale=NOISE_HU, size=hu.shape), LOWEST_HU)),
            position=(start, start, THICKNESS * number),
            orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            spacing=(step, step),
            thickness=THICKNESS,
        )
        for number in range(slices)
    ]
    write_ct_series(placed, folder, identity=_identity(), series=_series())
    return folder


def _identity() -> Identity:
    return new_identity(
        patient_id="benchmark",
        patient_name="BENCHMARK^PHANTOM",
        study_uid=make_uid("benchmark", "study"),
        moment=MOMENT,
    )


def _series() -> SeriesDescription:
    return SeriesDescription(
        uid=make_uid("benchmark", "series"),
        frame_of_reference_uid=make_uid("benchmark", "frame of reference"),
        number=1,
        description="AXIAL PHANTOM",
        moment=MOMENT,
        equipment=Equipment(manufacturer="cyclevox", model="benchmark", software=cyclevox.__version__),
    )
