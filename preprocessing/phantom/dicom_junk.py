"""What lies beside the images in a real export: a localizer, a screen shot, a dose report, a directory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, MediaStorageDirectoryStorage

from preprocessing.atomic import write_text_atomically
from preprocessing.dicom.identity import Identity
from preprocessing.dicom.placed_slice import PlacedSlice, slices_of
from preprocessing.dicom.series_description import (
    SeriesDescription,
    image_dataset,
    new_file_meta,
    number_instance,
    sequence_item,
)
from preprocessing.dicom.uids import make_uid
from preprocessing.dicom.write import save_dataset
from preprocessing.phantom.acquisition import acquire_mr
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.patient import random_stream
from preprocessing.phantom.scan_grids import make_grid
from preprocessing.phantom.scanning import MR_STEP, make_truth

LOCALIZER_VIEW = 400.0
"""Side of the localizer's field of view, mm."""
LOCALIZER_PIXELS = 64
"""Pixels along a side of it."""
LOCALIZER_GAP = 20.0
"""Distance between its slices, mm; they are as thick."""
LOCALIZER_PLANES = ("LIP", "LPS", "PIL")
"""Stored axes of its coronal, axial and sagittal slices."""
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
DOSE_REPORT = "1.2.840.10008.5.1.4.1.1.88.67"
README = "Export of a digital phantom. No patient's data are in this folder.\n"
EXPORT_FILES = ("README.TXT", "DICOMDIR")
"""What `write_export_files` writes."""


def localizer(anatomy: HipAnatomy) -> list[PlacedSlice]:
    """Three slices in each of three planes through the hips.

    Args:
        anatomy: the patient.
    """
    pixel = LOCALIZER_VIEW / LOCALIZER_PIXELS
    rng, slices = random_stream(anatomy.patient.seed, "localizer"), []
    for axes in LOCALIZER_PLANES:
        grid = make_grid(
            centre=anatomy.head_midpoint(),
            axes=axes,
            size=(LOCALIZER_PIXELS, LOCALIZER_PIXELS, 3),
            spacing=(pixel, pixel, LOCALIZER_GAP),
        )
        # One sample per voxel: nobody measures in a localizer.
        truth = make_truth(anatomy, grid, supersampling=(1, 1, 1)).mr
        image = acquire_mr(truth, grid, rng).image
        slices += slices_of(np.rint(image / MR_STEP) * MR_STEP, grid)
    return slices


def write_screen_shot(
    path: Path, plane: PlacedSlice, *, identity: Identity, series: SeriesDescription
) -> None:
    """Write a secondary capture in colour of one slice of a CT.

    Args:
        path: the file.
        plane: the slice, HU.
        identity: patient and study.
        series: the series of the capture.
    """
    image = image_dataset(identity, series, sop_class=SECONDARY_CAPTURE, modality="OT")
    number_instance(image, series, 1)
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.ConversionType = "WSD"
    grey = np.clip((plane.values + 160) / 400 * 255, 0, 255).astype(np.uint8)
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PlanarConfiguration = 3, "RGB", 0
    image.Rows, image.Columns = grey.shape
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 0
    image.add_new("PixelData", "OW", np.repeat(grey[..., None], 3, axis=2).tobytes())
    save_dataset(image, path)


def write_dose_report(path: Path, *, identity: Identity, series: SeriesDescription) -> None:
    """Write a structured report without an image.

    Args:
        path: the file.
        identity: patient and study.
        series: the series of the report.
    """
    report = image_dataset(identity, series, sop_class=DOSE_REPORT, modality="SR")
    number_instance(report, series, 1)
    report.ReferencedPerformedProcedureStepSequence = []
    report.PerformedProcedureCodeSequence = []
    report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    name = {"CodeValue": "113701", "CodingSchemeDesignator": "DCM"}
    meaning = "X-Ray Radiation Dose Report"
    report.ConceptNameCodeSequence = [sequence_item({**name, "CodeMeaning": meaning})]
    report.ContentSequence = []
    save_dataset(report, path)


def write_export_files(folder: Path, *words: str) -> None:
    """Write what export programs leave at the top of a tree: a text and an empty directory object.

    Args:
        folder: top of the tree.
        words: that name the export.
    """
    text, directory = EXPORT_FILES
    write_text_atomically(folder / text, README)
    index = Dataset()
    index.file_meta = new_file_meta(MediaStorageDirectoryStorage)
    index.file_meta.MediaStorageSOPInstanceUID = UID(make_uid(*words, "directory"))
    index.FileSetID = "PHANTOM"
    index.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    index.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    index.FileSetConsistencyFlag = 0
    index.DirectoryRecordSequence = []
    save_dataset(index, folder / directory)
