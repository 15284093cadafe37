"""One visit of a phantom patient as an archive names it: identity, series, folders, rows of a table."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from preprocessing.dicom.identity import Identity, new_identity
from preprocessing.dicom.series_description import SeriesDescription
from preprocessing.dicom.uids import make_uid
from preprocessing.phantom.dicom_headers import BODY_PART, CT_SCANNER, MR_SCANNER
from preprocessing.phantom.scanning import ScanOrder

TREE = "dicom"
"""Folder of the export in the cohort's folder."""
TRUTH = "truth"
"""Folder of the truth beside it."""
FIRST_DAY = datetime(2020, 1, 1, 8, 0, 0)
"""No study is earlier; each is on a day of its own year."""


@dataclass(frozen=True, kw_only=True)
class SeriesRow:
    """One line of the truth's table: which series shows what. Paths are relative to the cohort's folder.

    Args:
        series_uid: of the series.
        study_uid: of its study.
        patient_id: of the patient in DICOM.
        patient: of the patient in the truth.
        case: name of the scan in the truth, empty for what is no scan.
        modality: as DICOM says it.
        kind: coronal, gaps, tilted, enhanced, regular, pair; or localizer, screen_shot, dose_report.
        split: train, validation or test.
        folder: of the series.
        files: number of files in it.
        label: labels.
        ct: noise-free CT.
        mr: noise-free MR.
        bias: bias field of the MR.
        couch: mask of the CT's couch.
        landmarks: JSON file.
    """

    series_uid: str
    study_uid: str
    patient_id: str
    patient: str
    case: str
    modality: str
    kind: str
    split: str
    folder: str
    files: int
    label: str = ""
    ct: str = ""
    mr: str = ""
    bias: str = ""
    couch: str = ""
    landmarks: str = ""


class PhantomStudy:
    """Where the series of one visit go, and what they say alike.

    Args:
        order: the patient.
        case: name of the scan.
        out: folder of the cohort.
    """

    def __init__(self, order: ScanOrder, case: str, out: Path) -> None:
        self.order, self.case, self.out = order, case, out
        self.words = ("phantom", *(f"{name}={value}" for name, value in asdict(order).items()), case)
        day = zlib.crc32(case.encode()) % 365
        self.moment = FIRST_DAY + timedelta(days=365 * (order.seed % 5) + day)
        # Not the patient's name in the truth: what hides names in texts would then hide "MR" and "CT".
        number = opaque_name("patient", str(order.seed), order.patient)[:8]
        self.identity: Identity = new_identity(
            patient_id=f"PHANTOM-{number}",
            patient_name=f"PHANTOM^{number}",
            study_uid=make_uid(*self.words, "study"),
            moment=self.moment,
            sex="M",
            description="DIGITAL HIP",
        )

    def series(self, kind: str, number: int, description: str, **further: object) -> SeriesDescription:
        """Return what one series says."""
        modality = {"coronal": "MR", "localizer": "MR"}.get(kind, "CT")
        said = {
            "uid": make_uid(*self.words, kind),
            "frame_of_reference_uid": make_uid(*self.words, "frame of reference"),
            "number": number,
            "description": description,
            "moment": self.moment + timedelta(minutes=number),
            "equipment": MR_SCANNER if modality == "MR" else CT_SCANNER,
            "body_part": BODY_PART,
            "patient_position": "HFS",
            **further,
        }
        return SeriesDescription(**said)  # type: ignore[arg-type]

    def folder(self, series: SeriesDescription) -> Path:
        """Return the folder of a series: no name in the tree says what it holds."""
        patient = opaque_name(str(self.identity.elements.PatientID))
        study = opaque_name(self.identity.study_uid)
        return self.out / TREE / patient / study / opaque_name(series.uid)

    def names(self, series: SeriesDescription, count: int) -> list[str]:
        """Return file names whose order says nothing."""
        return [opaque_name(series.uid, str(number)) for number in range(count)]

    def row(
        self, series: SeriesDescription, *, kind: str, modality: str, files: int, truth: Mapping[str, str]
    ) -> SeriesRow:
        """Return the line of a series."""
        return SeriesRow(
            series_uid=series.uid,
            study_uid=self.identity.study_uid,
            patient_id=str(self.identity.elements.PatientID),
            patient=self.order.patient,
            case=self.case if truth else "",
            modality=modality,
            kind=kind,
            split=self.order.split,
            folder=self.folder(series).relative_to(self.out).as_posix(),
            files=files,
            **truth,
        )

    def truth(self, name: str, ending: str = ".nii.gz") -> Path:
        """Return the path of a part of the truth."""
        return self.out / TRUTH / f"{self.case}_{name}{ending}"

    def named(self, *names: str) -> dict[str, str]:
        """Return the truth's paths by column, landmarks included."""
        paths = {name: self.truth(name) for name in names} | {"landmarks": self.truth("landmarks", ".json")}
        return {name: path.relative_to(self.out).as_posix() for name, path in paths.items()}


def opaque_name(*words: str) -> str:
    """Return a name that says nothing and that follows from the words.

    Args:
        words: that name the thing.
    """
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12].upper()
