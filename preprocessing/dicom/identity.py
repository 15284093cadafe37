"""Whose images these are: what every DICOM object of one patient and study says alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydicom import Dataset

CHARACTER_SET = "SpecificCharacterSet"
PATIENT = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "EthnicGroup",
    "PatientComments",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
)
"""Attributes of the Patient module (PS3.3 C.7.1.1) that go from a source to what is made of it."""
STUDY = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
)
"""Attributes of the General Study and Patient Study modules (PS3.3 C.7.2.1, C.7.2.2) that go the same way."""
NEVER_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
"""Those of type 2: an unknown one is written empty."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Patient and study of an image.

    Args:
        elements: attributes of the Patient, General Study and Patient Study modules, with the character set
            in which their text is written.
    """

    elements: Dataset

    def add_to(self, target: Dataset) -> None:
        """Write patient and study into a data set, in place.

        Args:
            target: the data set of an image.
        """
        for element in self.elements:
            target[element.tag] = element

    @property
    def study_uid(self) -> str:
        """UID of the study."""
        return str(self.elements.StudyInstanceUID)


def identity_of(source: Dataset) -> Identity:
    """Identity of an image that is already in a record, for what is made of it.

    Args:
        source: data set of the image.

    Raises:
        ValueError: if it names no study.
    """
    if not source.get("StudyInstanceUID"):
        raise ValueError(
            "expected a source with StudyInstanceUID (0020,000D), found none: "
            "no image can be added to its study; take another file of the series"
        )
    elements = Dataset()
    for keyword in (CHARACTER_SET, *PATIENT, *STUDY):
        if keyword in source:
            elements[keyword] = source[keyword]
    return Identity(elements=_complete(elements))


def new_identity(
    *,
    patient_id: str,
    patient_name: str,
    study_uid: str,
    moment: datetime,
    sex: str = "",
    birth_date: str = "",
    description: str = "",
) -> Identity:
    """Identity of a patient who is in no record, such as a phantom.

    Args:
        patient_id: identifier of the patient.
        patient_name: family and given name as DICOM writes them, `FAMILY^GIVEN`.
        study_uid: UID of the study.
        moment: begin of the study.
        sex: M, F, O or empty.
        birth_date: YYYYMMDD or empty.
        description: of the study.
    """
    elements = Dataset()
    elements.SpecificCharacterSet = "ISO_IR 192"
    elements.PatientID, elements.PatientName = patient_id, patient_name
    elements.PatientSex, elements.PatientBirthDate = sex, birth_date
    elements.StudyInstanceUID = study_uid
    elements.StudyDate, elements.StudyTime = f"{moment:%Y%m%d}", f"{moment:%H%M%S}"
    elements.StudyDescription, elements.StudyID = description, "1"
    return Identity(elements=_complete(elements))


def _complete(elements: Dataset) -> Dataset:
    for keyword in NEVER_ABSENT:
        if keyword not in elements:
            setattr(elements, keyword, "")
    return elements
