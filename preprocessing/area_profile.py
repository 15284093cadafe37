"""How much body and bone the slices of a prepared cohort show: whether two domains were cut alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import SimpleITK as sitk
from jaxtyping import Bool, Float

from preprocessing.cohort import Case, Cohort
from preprocessing.coverage import COVERAGE_NOTE, LEAST_COVERAGE, PLANES
from preprocessing.femoral_heads import heads_of_landmarks
from preprocessing.grid import Grid, grid_of
from preprocessing.landmarks import landmarks_path, read_landmarks
from preprocessing.orientation import canonical
from preprocessing.provenance import Provenance, read_provenance, record_path
from preprocessing.volume import read_labels, read_volume

BONE_HU = 200.0
"""CT number above which a voxel of the body counts as bone."""
MOST_CASES = 50
"""Cases of each domain that are looked at; the quartiles of more would hardly differ."""
COLUMNS = ("case", "domain", "structure", "position_mm", "area_cm2", "origin")


def area_profile(
    cohort: Cohort,
    *,
    plane: str = "coronal",
    split: str = "train",
    bone_labels: Mapping[str, Collection[int]] | None = None,
) -> pd.DataFrame:
    """Area of body and bone in each slice of a prepared cohort, in cm2.

    Left out are cases without a body mask, and slices that training leaves out for want of coverage. Bone is
    what `bone_labels` names where a case has labels, else, in CT, what is above `BONE_HU` in the body; an MR
    without labels has none.

    Args:
        cohort: of prepared cases.
        plane: sagittal, coronal or axial.
        split: whose cases are looked at, up to `MOST_CASES` of each domain, evenly chosen.
        bone_labels: by domain, the label values that are bone.

    Returns:
        A row for each slice and structure: case, domain, structure ("body" or "bone"), position_mm along R, A
        or S from the plane of the femoral-head centres, else from the middle of the box, area_cm2, and
        origin, which says from which of the two.
    """
    rows: list[tuple[object, ...]] = []
    for domain in cohort.domains:
        cases = [case for case in cohort.select(domain=domain, split=split) if case.mask is not None]
        for case in _evenly(cases, MOST_CASES):
            rows += _case_rows(case, PLANES.index(plane), (bone_labels or {}).get(domain, ()))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _case_rows(case: Case, axis: int, bone_labels: Collection[int]) -> Iterator[tuple[object, ...]]:
    if case.mask is None:
        return
    record = _record(case)
    mask = canonical(read_labels(case.mask, case=case.case))
    body = _array(mask) > 0
    grid = grid_of(mask)
    positions, origin = _positions(case, grid, axis, record)
    kept = _covered(record, PLANES[axis], grid.size[axis])
    others = tuple(other for other in range(3) if other != axis)
    pixel_cm2 = float(np.prod(np.delete(grid.spacing, axis))) / 100
    for structure, inside in (("body", body), ("bone", _bone(case, body, record, bone_labels))):
        if inside is not None:
            areas = inside.sum(axis=others) * pixel_cm2
            for number in kept:
                place = float(positions[number])
                yield case.case, case.domain, structure, place, float(areas[number]), origin


def _bone(
    case: Case, body: Bool[np.ndarray, "R A S"], record: Provenance | None, labels: Collection[int]
) -> Bool[np.ndarray, "R A S"] | None:
    if labels and case.label is not None:
        return np.isin(_array(read_labels(case.label, case=case.case)), list(labels))
    if record is not None and record.window is not None and record.window.unit == "HU":
        return np.asarray(body & (_array(read_volume(case.image, case=case.case)) > BONE_HU))
    return None


def _positions(
    case: Case, grid: Grid, axis: int, record: Provenance | None
) -> tuple[Float[np.ndarray, " slice"], str]:
    """Return the place of each slice in mm, and what it is measured from."""
    count, spacing = grid.size[axis], grid.spacing[axis]
    middle = _heads_midpoint(case, record)
    if middle is None:
        return (np.arange(count) - (count - 1) / 2) * spacing, "middle of the box"
    index = np.linalg.inv(grid.affine_lps) @ np.array([*middle, 1.0])
    return (np.arange(count) - index[axis]) * spacing, "femoral-head plane"


def _heads_midpoint(case: Case, record: Provenance | None) -> Sequence[float] | None:
    path = landmarks_path(case.image)
    heads = heads_of_landmarks(read_landmarks(path)) if path.exists() else None
    if heads is not None:
        return heads.midpoint
    for note in (record.notes if record is not None else {}).values():
        found = note.get("heads") if isinstance(note, dict) else None
        if isinstance(found, dict):
            return [float(value) for value in (np.array(found["left"]) + np.array(found["right"])) / 2]
    return None


def _covered(record: Provenance | None, plane: str, count: int) -> list[int]:
    note = record.notes.get(COVERAGE_NOTE) if record is not None else None
    shares = note["slices"][plane] if isinstance(note, dict) and "slices" in note else [1.0] * count
    return [number for number, share in enumerate(shares) if share >= LEAST_COVERAGE]


def _record(case: Case) -> Provenance | None:
    path = record_path(case.image)
    return read_provenance(path) if path.exists() else None


def _evenly(cases: Sequence[Case], most: int) -> list[Case]:
    if len(cases) <= most:
        return list(cases)
    return [cases[round(place)] for place in np.linspace(0, len(cases) - 1, most)]


def _array(image: sitk.Image) -> np.ndarray:
    return np.asarray(sitk.GetArrayFromImage(canonical(image)).T)
