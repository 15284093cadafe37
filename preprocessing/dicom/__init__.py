"""DICOM in: series found, judged and read as volumes in LPS millimetres, or refused by name."""

from preprocessing.dicom.dataset import is_dicom
from preprocessing.dicom.dicom_volume import DicomVolume
from preprocessing.dicom.errors import REASONS, DicomError
from preprocessing.dicom.frame import Frame, PixelFormat, SeriesHeader
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.read import read_series, read_stack
from preprocessing.dicom.series import Stack, stacks_of

__all__ = [
    "REASONS",
    "DicomError",
    "DicomVolume",
    "Frame",
    "PixelFormat",
    "SeriesHeader",
    "Stack",
    "is_dicom",
    "read_frames",
    "read_series",
    "read_stack",
    "stacks_of",
]
