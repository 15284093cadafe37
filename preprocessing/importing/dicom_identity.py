"""Everything in a DICOM header that tells who a patient is, or whose hands the scan went through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from preprocessing.importing.cleaning import identity_parts
from preprocessing.importing.vocabulary import WORDS

_PERSON = "PN"
_OF_PATIENT = frozenset(
    {
        *("PatientID", "OtherPatientIDs", "PatientBirthDate", "MedicalRecordLocator", "MilitaryRank"),
        *("PatientAddress", "PatientTelephoneNumbers", "ClinicalTrialSubjectID", "Occupation"),
        *("AccessionNumber", "AdmissionID", "ClinicalTrialSubjectReadingID"),
    }
)
_OF_PLACE = frozenset(
    {
        *("IssuerOfPatientID", "StudyID", "RequestedProcedureID", "ScheduledProcedureStepID"),
        *("PerformedProcedureStepID", "PlacerOrderNumberImagingServiceRequest", "CurrentPatientLocation"),
        *("FillerOrderNumberImagingServiceRequest", "InsurancePlanIdentification", "BranchOfService"),
        *("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName"),
        *("DeviceSerialNumber", "DeviceUID", "ReferringPhysicianAddress", "RegionOfResidence"),
        *("ReferringPhysicianTelephoneNumbers", "ClinicalTrialSiteID", "ClinicalTrialSiteName"),
        *("PatientReligiousPreference", "CountryOfResidence"),
    }
)
"""Fields beside those of persons' names: after the confidentiality profile of PS3.15, table E.1-1."""
_DEEPEST = 8
"""Sequences inside sequences are searched this far: deeper ones are made to do harm."""


def series_uid_of(path: Path) -> str:
    """UID of the series that a damaged file says that it is of; empty if it does not say.

    Args:
        path: a DICOM file.
    """
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=["SeriesInstanceUID"])
        return str(data.get("SeriesInstanceUID") or "").strip()
    except Exception:  # noqa: BLE001 - a parser of foreign bytes may raise anything at all
        return ""


def identity_of(path: Path) -> frozenset[str]:
    """Parts of all names, numbers and dates that identify, for `cleaning`; none if no header can be read.

    A protocol word in the name of a place ("Spine Centre") identifies nobody and is not among them; one in
    the name of a person is.

    Args:
        path: a DICOM file.
    """
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except Exception:  # noqa: BLE001 - a parser of foreign bytes may raise anything at all
        return frozenset()
    found = [item for tag in data.keys() for item in _texts_at(data, tag)]  # noqa: SIM118 - values come one by one
    persons = identity_parts(text for text, of_place in found if not of_place)
    return persons | (identity_parts(text for text, of_place in found if of_place) - WORDS)


def _texts_at(data: Dataset, tag: BaseTag) -> list[tuple[str, bool]]:
    """Identifying texts of one element: a damaged one must not hide the names that stand in others."""
    try:
        return list(_texts(data[tag], 0))
    except Exception:  # noqa: BLE001 - a parser of foreign bytes may raise anything at all
        return []


def _texts(element: DataElement, depth: int) -> Iterator[tuple[str, bool]]:
    """Contents of an identifying field or of those inside a sequence, each with whether it is of a place."""
    if element.VR == "SQ" and depth < _DEEPEST:
        for item in element.value:
            for inner in item:
                yield from _texts(inner, depth + 1)
    elif element.VR == _PERSON or element.keyword in _OF_PATIENT | _OF_PLACE:
        values = element.value if isinstance(element.value, MultiValue) else [element.value]
        yield from ((str(value), element.keyword in _OF_PLACE) for value in values if value is not None)
