"""Elements of one frame of an enhanced object: its own groups first, then shared ones, then the file's."""

from __future__ import annotations

from pydicom.dataset import Dataset

from preprocessing.dicom.elements import Elements
from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.values import items, value_of, words

GROUPS = words(
    """
    PlanePositionSequence PlaneOrientationSequence PixelMeasuresSequence PixelValueTransformationSequence
    FrameContentSequence MREchoSequence MRDiffusionSequence MRImageFrameTypeSequence CTImageFrameTypeSequence
    CardiacSynchronizationSequence TemporalPositionSequence PlanePositionVolumeSequence
    """
)
"""Functional groups that are read (PS3.3, sections C.7.6.16, C.8.13 and C.8.15)."""

_NOTHING = Elements(Dataset())

Layers = tuple[Elements, ...]
"""Data sets to look an element up in, the first that has it wins."""


def layers_of(data: Elements, frames: int) -> list[Layers]:
    """For each frame the data sets that describe it, most specific first.

    Args:
        data: the header of a file.
        frames: stored frames in the file.

    Raises:
        DicomError: if the per-frame groups are not one per frame.
    """
    shared = _opened(items(data, "SharedFunctionalGroupsSequence")[:1])
    per_frame = items(data, "PerFrameFunctionalGroupsSequence")
    if not per_frame:
        return [(*shared, data)] * frames
    if len(per_frame) != frames:
        found = f"{frames} frames, {len(per_frame)} descriptions of frames"
        remedy = "the file is damaged or was split wrongly: export it again"
        raise DicomError("corrupt", expected="one description per frame", found=found, remedy=remedy)
    return [(*_opened([frame]), *shared, data) for frame in per_frame]


def layer_with(layers: Layers, keyword: str) -> Elements:
    """The most specific data set in which an element has a value; an empty one if there is none.

    Args:
        layers: data sets that describe a frame.
        keyword: such as "ImagePositionPatient".
    """
    for layer in layers:
        if value_of(layer, keyword) not in (None, "", []):
            return layer
    return _NOTHING


def _opened(groups: list[Elements]) -> list[Elements]:
    found = []
    for group in groups:
        for name in GROUPS:
            opened = items(group, name)
            found += opened[:1]
            for inner in opened[:1]:
                found += items(inner, "DiffusionGradientDirectionSequence")[:1]
    return found
