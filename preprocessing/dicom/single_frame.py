"""One data set per slice: CT Image Storage and MR Image Storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np
from pydicom import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage

from preprocessing.dicom.identity import Identity
from preprocessing.dicom.placed_slice import PlacedSlice, one_matrix
from preprocessing.dicom.series_description import (
    SeriesDescription,
    decimal,
    decimals,
    image_dataset,
    number_instance,
    set_attributes,
)
from preprocessing.dicom.stored_pixels import StoredPixels, set_pixels

SOP_CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage}
TYPE_2 = {
    "CT": ("KVP", "AcquisitionNumber"),
    "MR": ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"),
}
"""Attributes that must be there, empty where unknown (PS3.3 C.8.2.1, C.8.3.1)."""
RESEARCH = {"CT": {}, "MR": {"ScanningSequence": "RM", "SequenceVariant": "NONE"}}
"""Values of the attributes that must not be empty, where the series does not give them."""


def single_frames(
    slices: Sequence[PlacedSlice],
    *,
    modality: str,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels,
) -> Iterator[Dataset]:
    """Yield the data set of each slice, with pixels, in the order given.

    Args:
        slices: all of one matrix.
        modality: CT or MR.
        identity: patient and study.
        series: the series.
        pixels: how values are stored.

    Raises:
        ValueError: if the slices differ in matrix, or a value cannot be stored.
    """
    rows, columns = one_matrix(slices)
    shared = image_dataset(identity, series, sop_class=SOP_CLASSES[modality], modality=modality)
    shared.ImageType = list(series.image_type)
    shared.AcquisitionDate, shared.AcquisitionTime = shared.ContentDate, shared.ContentTime
    pixels.describe(shared, rows=rows, columns=columns)
    _add_rescale(shared, pixels, modality)
    _add_display(shared, series)
    for keyword in TYPE_2[modality]:
        setattr(shared, keyword, None)
    set_attributes(shared, {**RESEARCH[modality], **series.attributes})
    if modality == "CT" and series.gantry_tilt is not None:
        shared.GantryDetectorTilt = decimal(series.gantry_tilt)
    if modality == "MR":
        _add_gap(shared, slices)
    for number, plane in enumerate(slices, start=1):
        image = deepcopy(shared)
        number_instance(image, series, number)
        _add_plane(image, plane)
        set_pixels(image, pixels.stored(plane), pixels.syntax)
        yield image


def _add_rescale(image: Dataset, pixels: StoredPixels, modality: str) -> None:
    """Write the rescale; MR Image Storage does without where stored integers are the values."""
    if modality == "CT" or (pixels.slope, pixels.intercept) != (1.0, 0.0):
        image.RescaleIntercept = decimal(pixels.intercept)
        image.RescaleSlope = decimal(pixels.slope)
        image.RescaleType = "HU" if modality == "CT" else "US"


def _add_display(image: Dataset, series: SeriesDescription) -> None:
    image.BurnedInAnnotation = "NO"
    image.LossyImageCompression = "00"
    if series.windows:
        image.WindowCenter = decimals(centre for centre, _ in series.windows)
        image.WindowWidth = decimals(width for _, width in series.windows)


def _add_gap(image: Dataset, slices: Sequence[PlacedSlice]) -> None:
    """Write the distance between slices where it is one."""
    gaps = np.abs(np.diff(sorted(plane.height for plane in slices)))
    if len(gaps) and np.ptp(gaps) < 1e-6:
        image.SpacingBetweenSlices = decimal(gaps.mean())


def _add_plane(image: Dataset, plane: PlacedSlice) -> None:
    image.ImagePositionPatient = decimals(plane.position)
    image.ImageOrientationPatient = decimals(plane.orientation)
    image.PixelSpacing = decimals(plane.spacing)
    image.SliceThickness = decimal(plane.thickness)
    image.SliceLocation = decimal(plane.height)
