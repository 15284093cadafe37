"""What all images of one series say alike, besides whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from preprocessing.dicom.identity import Identity
from preprocessing.dicom.uids import make_uid

IMPLEMENTATION_UID = make_uid("cyclevox", "implementation class")
IMPLEMENTATION_NAME = "CYCLEVOX"


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """The machine or program that made a series."""

    manufacturer: str
    model: str
    software: str
    serial: str = "0"
    station: str = ""


@dataclass(frozen=True, kw_only=True)
class SeriesDescription:
    """A series.

    Args:
        uid: of the series; UIDs of its images follow from it.
        frame_of_reference_uid: names the frame in which positions are meant; series that were scanned without
            the patient moving share one.
        number: of the series in its study.
        description: free text of at most 64 characters.
        moment: begin of the acquisition.
        equipment: what made it.
        image_type: values 1 to 3 or 4 of (0008,0008), such as ORIGINAL, PRIMARY, AXIAL.
        body_part: code of (0018,0015), such as HIP, or empty.
        patient_position: how the patient lay, such as HFS, or empty where unknown.
        windows: centre and width of display windows, in HU or MR units.
        gantry_tilt: degrees, for CT.
        attributes: further attributes by DICOM keyword, such as KVP or RepetitionTime.
        groups: for multi-frame objects, shared functional groups by the keyword of their sequence, each with
            attributes by keyword: how an original image was acquired.
    """

    uid: str
    frame_of_reference_uid: str
    number: int
    description: str
    moment: datetime
    equipment: Equipment
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL")
    body_part: str = ""
    patient_position: str = ""
    windows: tuple[tuple[float, float], ...] = ()
    gantry_tilt: float | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def decimal(value: float) -> DSfloat:
    """Decimal string with as many digits as its 16 characters hold.

    Args:
        value: the number.
    """
    return DSfloat(float(value), auto_format=True)


def decimals(values: Iterable[float]) -> list[DSfloat]:
    """Decimal strings of several numbers.

    Args:
        values: the numbers.
    """
    return [decimal(value) for value in values]


def image_dataset(identity: Identity, series: SeriesDescription, *, sop_class: str, modality: str) -> Dataset:
    """Data set with the modules that every image of a series shares, and its file meta information.

    Args:
        identity: patient and study.
        series: the series.
        sop_class: UID of the kind of object.
        modality: CT, MR or OT.
    """
    image = Dataset()
    image.file_meta = new_file_meta(sop_class)
    identity.add_to(image)
    image.SOPClassUID = sop_class
    image.Modality = modality
    image.SeriesInstanceUID = series.uid
    image.SeriesNumber = series.number
    image.SeriesDescription = series.description
    image.FrameOfReferenceUID = series.frame_of_reference_uid
    image.PositionReferenceIndicator = ""
    _set_optional(image, "BodyPartExamined", series.body_part)
    _set_optional(image, "PatientPosition", series.patient_position)
    _add_equipment(image, series.equipment)
    date, time = f"{series.moment:%Y%m%d}", f"{series.moment:%H%M%S}"
    image.SeriesDate, image.ContentDate = date, date
    image.SeriesTime, image.ContentTime = time, time
    return image


def new_file_meta(sop_class: str) -> FileMetaDataset:
    """File meta information of an object that this program writes.

    Args:
        sop_class: UID of the kind of object.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def number_instance(image: Dataset, series: SeriesDescription, number: int) -> None:
    """Name one image of a series, in place.

    Args:
        image: its data set.
        series: the series.
        number: from 1.
    """
    uid = make_uid(series.uid, "instance", str(number))
    image.SOPInstanceUID = uid
    image.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    image.InstanceNumber = number


def set_attributes(target: Dataset, attributes: Mapping[str, object]) -> None:
    """Write attributes by DICOM keyword into a data set, in place.

    Args:
        target: the data set.
        attributes: values by keyword; a mapping stands for a sequence of one item.

    Raises:
        ValueError: if DICOM has no such keyword.
    """
    for keyword, value in attributes.items():
        if tag_for_keyword(keyword) is None:
            raise ValueError(f"attribute {keyword!r}: expected a keyword of DICOM such as 'KVP'; see PS3.6")
        setattr(target, keyword, [sequence_item(value)] if isinstance(value, Mapping) else value)


def sequence_item(attributes: Mapping[str, object]) -> Dataset:
    """Item of a sequence.

    Args:
        attributes: values by keyword.
    """
    item = Dataset()
    set_attributes(item, attributes)
    return item


def _set_optional(target: Dataset, keyword: str, value: str) -> None:
    if value:
        setattr(target, keyword, value)


def _add_equipment(image: Dataset, equipment: Equipment) -> None:
    image.Manufacturer = equipment.manufacturer
    image.ManufacturerModelName = equipment.model
    image.SoftwareVersions = equipment.software
    image.DeviceSerialNumber = equipment.serial
    _set_optional(image, "StationName", equipment.station)
