"""The files of a case are written aside and take their places together."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import SimpleITK as sitk

from preprocessing.landmarks import write_landmarks
from preprocessing.prepared_files import ENDING_OF_ROLE, STAGING_FOLDER, PreparedFiles
from preprocessing.provenance import file_hash
from preprocessing.registration.transform_io import write_transform
from preprocessing.scan import Scan
from preprocessing.volume import write_volume


@contextmanager
def staged_files(files: PreparedFiles) -> Iterator[PreparedFiles]:
    """Give files to write to, of this process only; they take the places of the old ones at the end.

    Args:
        files: of the case; those that are not written anew are taken away.
    """
    staging = files.folder / STAGING_FOLDER
    staging.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"{files.case}.", dir=staging)
    try:
        staged = PreparedFiles(Path(folder), files.case)
        yield staged
        # The record goes before the volumes change and comes after: whoever finds it can trust it.
        files.record.unlink(missing_ok=True)
        files.picture.parent.mkdir(exist_ok=True)
        for new, old in zip(staged, files, strict=True):
            if new.exists():
                new.replace(old)
            else:
                old.unlink(missing_ok=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_parts(scan: Scan, files: PreparedFiles) -> dict[str, str]:
    """Write what a scan has; return the SHA-256 of each file by role.

    Args:
        scan: the prepared scan.
        files: to write to.
    """
    parts: dict[str, sitk.Image | None] = {
        "image": scan.image,
        "label": scan.label,
        "mask": scan.mask,
        "coverage": scan.coverage,
    }
    for role, image in parts.items():
        if image is not None:
            write_volume(image, files.file(role))
    if scan.landmarks:
        write_landmarks(files.file("landmarks"), scan.landmarks)
    if scan.transform is not None:
        write_transform(scan.transform, files.file("transform"))
    return {role: file_hash(files.file(role)) for role in ENDING_OF_ROLE if files.file(role).exists()}
