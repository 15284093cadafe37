"""One data set for all slices: Enhanced CT and Enhanced MR Image Storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage

from preprocessing.dicom.identity import Identity
from preprocessing.dicom.placed_slice import PlacedSlice, one_matrix
from preprocessing.dicom.series_description import (
    SeriesDescription,
    decimal,
    decimals,
    image_dataset,
    number_instance,
    sequence_item,
    set_attributes,
)
from preprocessing.dicom.stored_pixels import StoredPixels, set_pixels
from preprocessing.dicom.uids import make_uid

SOP_CLASSES = {"CT": EnhancedCTImageStorage, "MR": EnhancedMRImageStorage}
FRAME_TYPE = {"CT": "CTImageFrameTypeSequence", "MR": "MRImageFrameTypeSequence"}
RESCALE_TYPE = {"CT": "HU", "MR": "US"}
VOLUMETRIC = {
    "PixelPresentation": "MONOCHROME",
    "VolumetricProperties": "VOLUME",
    "VolumeBasedCalculationTechnique": "NONE",
}
COMPLEX = {"ComplexImageComponent": "MAGNITUDE", "AcquisitionContrast": "UNKNOWN"}
"""What an MR says besides, unless the series's attributes and groups say otherwise."""
SAFETY = {"ApplicableSafetyStandardAgency": "IEC"}
"""Asked of every MR by validators, acquired or not."""
ANATOMY = {
    "ABDOMEN": ("818983003", "Abdomen"),
    "BRAIN": ("12738006", "Brain"),
    "HEAD": ("69536005", "Head"),
    "HIP": ("24136001", "Hip joint"),
    "PELVIS": ("12921003", "Pelvis"),
    "THIGH": ("68367000", "Thigh"),
}
"""SNOMED CT code and meaning of the body parts that frames are marked with (PS3.16 CID 4)."""
ENTIRE_BODY = ("38266002", "Entire body")


def multi_frame(
    slices: Sequence[PlacedSlice],
    *,
    modality: str,
    identity: Identity,
    series: SeriesDescription,
    pixels: StoredPixels,
) -> Dataset:
    """Data set of all slices, with pixels; frames stand in the order given.

    A frame's place in its stack follows from its position along the normal.

    Args:
        slices: all of one matrix.
        modality: CT or MR.
        identity: patient and study.
        series: the series, with its functional groups.
        pixels: how values are stored.

    Raises:
        ValueError: if the slices differ in matrix, or a value cannot be stored.
    """
    rows, columns = one_matrix(slices)
    image = image_dataset(identity, series, sop_class=SOP_CLASSES[modality], modality=modality)
    number_instance(image, series, 1)
    _add_image(image, series, modality)
    pixels.describe(image, rows=rows, columns=columns)
    image.NumberOfFrames = len(slices)
    _add_dimensions(image, series)
    shared = {**_shared_groups(series, pixels, modality), **series.groups}
    image.SharedFunctionalGroupsSequence = [sequence_item(shared)]
    places = _places(slices)
    image.PerFrameFunctionalGroupsSequence = [
        _frame_groups(plane, places[number], series) for number, plane in enumerate(slices)
    ]
    set_attributes(image, series.attributes)
    set_pixels(image, np.stack([pixels.stored(plane) for plane in slices]), pixels.syntax)
    return image


def _add_image(image: Dataset, series: SeriesDescription, modality: str) -> None:
    image.ImageType = _four_values(series)
    image.AcquisitionNumber = 1
    image.AcquisitionDateTime = f"{series.moment:%Y%m%d%H%M%S}"
    image.AcquisitionContextSequence = []
    image.ContentQualification = "RESEARCH"
    image.BurnedInAnnotation = "NO"
    image.LossyImageCompression = "00"
    image.PresentationLUTShape = "IDENTITY"
    set_attributes(image, VOLUMETRIC | (COMPLEX | SAFETY if modality == "MR" else {}))


def _four_values(series: SeriesDescription) -> list[str]:
    """Image type of an enhanced object: origin, PRIMARY, kind of volume, derived contrast."""
    values = [*series.image_type, "VOLUME", "NONE"][: max(4, len(series.image_type))]
    # AXIAL and its like belong to single slices.
    values[1:3] = ["PRIMARY", "VOLUME"]
    return values


def _add_dimensions(image: Dataset, series: SeriesDescription) -> None:
    """Say that frames are counted by stack, then by place in it (PS3.3 C.7.6.17)."""
    organisation = make_uid(series.uid, "dimensions")
    image.DimensionOrganizationSequence = [sequence_item({"DimensionOrganizationUID": organisation})]
    image.DimensionIndexSequence = [
        _dimension(organisation, keyword, "FrameContentSequence")
        for keyword in ("StackID", "InStackPositionNumber")
    ]


def _dimension(organisation: str, keyword: str, group: str) -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID = organisation
    item.DimensionIndexPointer = Tag(keyword)
    item.FunctionalGroupPointer = Tag(group)
    return item


def _shared_groups(
    series: SeriesDescription, pixels: StoredPixels, modality: str
) -> dict[str, Mapping[str, object]]:
    code, meaning = ANATOMY.get(series.body_part, ENTIRE_BODY)
    region = {"CodeValue": code, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}
    kind = {"FrameType": _four_values(series), **VOLUMETRIC, **(COMPLEX if modality == "MR" else {})}
    groups: dict[str, Mapping[str, object]] = {
        "FrameAnatomySequence": {"FrameLaterality": "U", "AnatomicRegionSequence": region},
        "PixelValueTransformationSequence": {
            "RescaleIntercept": decimal(pixels.intercept),
            "RescaleSlope": decimal(pixels.slope),
            "RescaleType": RESCALE_TYPE[modality],
        },
        FRAME_TYPE[modality]: kind,
    }
    if series.windows:
        groups["FrameVOILUTSequence"] = {
            "WindowCenter": decimals(centre for centre, _ in series.windows),
            "WindowWidth": decimals(width for _, width in series.windows),
        }
    if modality == "CT":
        # Asked of every CT by validators, acquired or not.
        event = make_uid(series.uid, "irradiation")
        groups["IrradiationEventIdentificationSequence"] = {"IrradiationEventUID": event}
    return groups


def _places(slices: Sequence[PlacedSlice]) -> list[tuple[int, int]]:
    """Number of the stack and place in it of every slice, both from 1."""
    names = sorted({plane.stack for plane in slices})
    places: dict[int, tuple[int, int]] = {}
    for stack, name in enumerate(names, start=1):
        members = [number for number, plane in enumerate(slices) if plane.stack == name]
        for place, number in enumerate(sorted(members, key=lambda n: slices[n].height), start=1):
            places[number] = (stack, place)
    return [places[number] for number in range(len(slices))]


def _frame_groups(plane: PlacedSlice, place: tuple[int, int], series: SeriesDescription) -> Dataset:
    """Functional groups of one frame: where it lies, and its place in its stack."""
    content: dict[str, object] = {
        "StackID": plane.stack,
        "InStackPositionNumber": place[1],
        "DimensionIndexValues": list(place),
    }
    if series.image_type[0] == "ORIGINAL":
        moment = f"{series.moment:%Y%m%d%H%M%S}"
        content |= {
            "FrameAcquisitionNumber": 1,
            "FrameReferenceDateTime": moment,
            "FrameAcquisitionDateTime": moment,
            "FrameAcquisitionDuration": _duration(series),
        }
    groups: dict[str, Mapping[str, object]] = {
        "FrameContentSequence": content,
        "PlanePositionSequence": {"ImagePositionPatient": decimals(plane.position)},
        "PlaneOrientationSequence": {"ImageOrientationPatient": decimals(plane.orientation)},
        "PixelMeasuresSequence": {
            "PixelSpacing": decimals(plane.spacing),
            "SliceThickness": decimal(plane.thickness),
        },
    }
    return sequence_item(groups)


def _duration(series: SeriesDescription) -> float:
    """Duration in ms that every frame took: that of the acquisition."""
    seconds = series.attributes.get("AcquisitionDuration", 1.0)
    return 1000.0 * float(seconds) if isinstance(seconds, int | float) else 1000.0
