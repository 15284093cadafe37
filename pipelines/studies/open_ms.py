"""Heads of the open MS data as cohorts: who has which scan, and how T2 comes to lie on T1.

Lesjak et al. 2018, doi:10.1007/s12021-017-9348-7. Every image comes with an affine transform to the FLAIR of
its patient; the FLAIR itself is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import SimpleITK as sitk

from preprocessing.cohort import Case, Cohort
from preprocessing.volume import read_volume

SOURCE, TARGET = "t1", "t2"
"""Names of the domains."""

REGISTERED = "t2_registered"
"""What the name of a T2 on its T1's grid ends in."""


class HeadDataError(ValueError):
    """The folder of head scans is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class HeadPatient:
    """The scans of one patient.

    Args:
        name: Pseudonym, such as "p01".
        t1: The T1-weighted volume.
        t2: The T2-weighted volume on a grid of its own, or None.
    """

    name: str
    t1: Path
    t2: Path | None


def head_patients(data: Path) -> list[HeadPatient]:
    """List the patients of a copy of the open MS data.

    Args:
        data: Folder with `patientNN/studyN_T1W.nii.gz` and, for some, `studyN_T2W.nii.gz`.

    Raises:
        HeadDataError: If there is none.
    """
    found = sorted(data.glob("patient*/study*_T1W.nii.gz"))
    if not found:
        raise HeadDataError(
            f"{data}: wanted patientNN/studyN_T1W.nii.gz, found none; give the folder open_ms"
        )
    return [_patient(t1) for t1 in found]


def t1_to_t2(patient: HeadPatient, *, opposite: bool = False) -> sitk.Transform:
    """Return the map of points, LPS mm, from the T1's space to the T2's: what resampling T2 onto T1 needs.

    The files are named after the way the image goes, image to FLAIR. The points go the other way, as ITK's
    resampling wants it: each file maps a point of the FLAIR to the point of the image. Patient 03, who moved
    by 5.7 mm between the scans, shows it: see `transform_direction`.

    Args:
        patient: One with both images.
        opposite: Read the files the other, wrong way; to show that it is wrong.

    Raises:
        HeadDataError: If there is no T2, or a transform is missing.
    """
    if patient.t2 is None:
        raise HeadDataError(f"{patient.name}: wanted a T2, found none; register only patients who have both")
    flair_to_t1, flair_to_t2 = (
        sitk.ReadTransform(str(_transform(image))) for image in (patient.t1, patient.t2)
    )
    # A composite applies its last transform first.
    if opposite:
        return sitk.CompositeTransform([flair_to_t2.GetInverse(), flair_to_t1])
    return sitk.CompositeTransform([flair_to_t2, flair_to_t1.GetInverse()])


def registered_t2(patient: HeadPatient) -> sitk.Image:
    """Return the T2 on the T1's grid: one linear resampling, 0 where the T2 does not reach."""
    fixed = read_volume(patient.t1, case=patient.name)
    transform = t1_to_t2(patient)
    assert patient.t2 is not None
    moving = read_volume(patient.t2, case=patient.name)
    resampled: sitk.Image = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, 0.0)
    return resampled


def all_scans(patients: Sequence[HeadPatient], *, registered: Path) -> list[Case]:
    """List every scan once, to be prepared once: a preparation learns nothing from one patient for another.

    Args:
        patients: All patients.
        registered: Folder with `<patient>_t2_registered.nii.gz` of those who have a T2.
    """
    cases = []
    for patient in patients:
        pair = f"{patient.name}_{REGISTERED}" if patient.t2 else None
        cases.append(_case(patient.name, SOURCE, patient.t1, pair=pair))
        if patient.t2 and pair:
            cases.append(_case(patient.name, TARGET, patient.t2))
            cases.append(_case(patient.name, TARGET, registered / f"{pair}.nii.gz", name=pair))
    return cases


def outside_pair(folder: Path) -> list[Case]:
    """List the T1 and T2 of another hospital's patient, which lie on one grid and are without skull.

    Args:
        folder: Folder with `T1.nii.gz` and `T2.nii.gz`.
    """
    cases = [
        _case("outside", SOURCE, folder / "T1.nii.gz", pair="outside_t2"),
        _case("outside", TARGET, folder / "T2.nii.gz"),
    ]
    return _as(cases, "test", keep_pair=True)


def unpaired_fold(prepared: Cohort, held_out: str) -> list[Case]:
    """List a fold: the others' scans, none paired, for training; the held-out T1 with its truth for the test.

    Args:
        prepared: All scans, prepared.
        held_out: The patient who is not trained on.
    """
    others = [case for case in prepared if case.patient != held_out and not _is_registered(case)]
    own = [case for case in prepared if case.patient == held_out and (case.pair or _is_registered(case))]
    return [*_as(others, "train", keep_pair=False), *_as(own, "test", keep_pair=True)]


def registered_pairs(prepared: Cohort, held_out: str | None) -> list[Case]:
    """List the registered pairs of everyone but the held-out patient: for the naive map and the bound alone.

    Args:
        prepared: All scans, prepared.
        held_out: The patient who is left out, or None for all pairs.
    """
    paired = [case for case in prepared if case.patient != held_out and (case.pair or _is_registered(case))]
    return _as(paired, "train", keep_pair=True)


def _as(cases: Iterable[Case], split: str, *, keep_pair: bool) -> list[Case]:
    return [replace(case, split=split, pair=case.pair if keep_pair else None) for case in cases]


def _is_registered(case: Case) -> bool:
    return case.case.endswith(REGISTERED)


def _patient(t1: Path) -> HeadPatient:
    t2 = t1.with_name(t1.name.replace("T1W", "T2W"))
    name = t1.parent.name.replace("patient", "p")
    return HeadPatient(name=name, t1=t1, t2=t2 if t2.exists() else None)


def _transform(image: Path) -> Path:
    path = image.with_name(image.name.removesuffix(".nii.gz") + "_intrastudy_to_FLAIR.txt")
    if not path.exists():
        raise HeadDataError(f"{image}: wanted its transform {path.name} beside it, found none")
    return path


def _case(patient: str, domain: str, image: Path, *, pair: str | None = None, name: str = "") -> Case:
    return Case(
        case=name or f"{patient}_{domain}",
        patient=patient,
        domain=domain,
        image=image,
        label=None,
        mask=None,
        pair=pair,
        split="train",
    )
