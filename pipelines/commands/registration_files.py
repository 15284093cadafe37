"""Two files in, a registration's files out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import SimpleITK as sitk

import cyclevox
from evaluation.figures.registration import registration_picture
from pipelines.commands.bundle_run import bundle_part
from pipelines.commands.outcome import UsageError
from preprocessing.atomic import write_text_atomically
from preprocessing.intensity_window import IntensityWindow
from preprocessing.registration.deformable import BSplineStage
from preprocessing.registration.error import RegistrationError
from preprocessing.registration.landmark_pairs import read_landmark_pairs
from preprocessing.registration.match import air_of, body_window, is_ct, with_body
from preprocessing.registration.pair import Alignment, PairRegistration
from preprocessing.registration.transform_io import write_transform
from preprocessing.scan import Landmarks, Scan
from preprocessing.volume import read_volume, write_volume

QUALITY, TRANSFORM = "quality.json", "transform.tfm"
REGISTERED, COVERAGE, PICTURE = "registered.nii.gz", "coverage.nii.gz", "registration.png"


def register_files(
    *,
    fixed: Path,
    moving: Path,
    out: Path,
    landmarks: Path | None,
    deformable: bool,
    recipes: Sequence[str],
) -> dict[str, Any]:
    """Register one file onto another, write what came of it, and return the quality record.

    The registered volume is one linear interpolation of the moving file: `transform.tfm` alone reproduces it.

    Args:
        fixed: volume that stays.
        moving: volume to bring.
        out: folder to write; `quality.json` comes last, so whoever finds it finds the rest.
        landmarks: file of `read_landmark_pairs`, or None.
        deformable: whether a B-spline follows the rigid motion.
        recipes: configs laid over preprocess.json.

    Raises:
        VolumeError: if a volume cannot be read.
        LandmarkError: if the landmarks cannot be read.
        RegistrationError: if a scan shows no body, or the two cannot be registered.
        UsageError: if an output would overwrite an input.
    """
    _refuse_overwriting(out, fixed, moving)
    registration = registration_of(recipes, deformable=deformable)
    still, moved = read_landmark_pairs(landmarks) if landmarks is not None else ({}, {})
    pair = _scan(fixed, still), _scan(moving, moved)
    try:
        alignment = registration.align(pair[1], pair[0])
    except RegistrationError as error:
        raise RegistrationError(f"{moving} onto {fixed}: {error}") from error
    _write(out, alignment, *pair)
    return dict(alignment.record)


def registration_of(recipes: Sequence[str], *, deformable: bool) -> PairRegistration:
    """Return the bundle's registration, without anti-aliasing.

    Args:
        recipes: configs laid over preprocess.json.
        deformable: whether a B-spline follows the rigid motion.

    Raises:
        UsageError: if a config names no `PairRegistration`.
    """
    own = cyclevox.bundle_path() / "configs" / "preprocess.json"
    found = bundle_part([own, *recipes], "registration")
    if not isinstance(found, PairRegistration):
        raise UsageError(
            f"Wanted the id registration to be a PairRegistration, found {found!r}. Correct the recipe."
        )
    stage = (found.deformable or BSplineStage()) if deformable else None
    return replace(found, deformable=stage, anti_aliasing=False)


def _refuse_overwriting(out: Path, *sources: Path) -> None:
    written = {(out / name).resolve() for name in (REGISTERED, COVERAGE)}
    for source in sources:
        if source.resolve() in written:
            raise UsageError(f"Wanted another folder than that of {source}, which would be overwritten.")


def _scan(path: Path, landmarks: Landmarks) -> Scan:
    scan = Scan(image=read_volume(path), landmarks=landmarks)
    try:
        return with_body(scan)
    except ValueError as error:
        raise RegistrationError(f"{path}: {error}") from error


def _write(out: Path, alignment: Alignment, fixed: Scan, moving: Scan) -> None:
    (out / QUALITY).unlink(missing_ok=True)
    registered = alignment.scan
    assert registered.coverage is not None
    write_volume(registered.image, out / REGISTERED)
    write_volume(registered.coverage, out / COVERAGE)
    write_transform(alignment.transform, out / TRANSFORM)
    before = sitk.Resample(moving.image, fixed.image, sitk.Transform(), sitk.sitkLinear, air_of(moving.image))
    registration_picture(
        fixed.image,
        before,
        registered.image,
        windows=(_window(fixed), _window(moving)),
        path=out / PICTURE,
        title=f"registration: {alignment.record['verdict']}",
    )
    text = json.dumps(alignment.record, indent=2, allow_nan=False)
    write_text_atomically(out / QUALITY, text + "\n")


def _window(scan: Scan) -> IntensityWindow:
    low, high = body_window(scan)
    return IntensityWindow(low, high, "HU" if is_ct(scan.image) else "nominal")
