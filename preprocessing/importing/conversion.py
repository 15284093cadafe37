"""Turn one series into one volume with its record: the unit of work of an import, complete in itself."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from jaxtyping import Num

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.read import read_stack
from preprocessing.dicom.series import Stack
from preprocessing.grid import Grid, grid_of
from preprocessing.importing.cleaning import clean_path, scrub
from preprocessing.importing.description import describe_grid, describe_stack
from preprocessing.importing.dicom_identity import identity_of
from preprocessing.importing.file_kind import file_kind, plain_stem
from preprocessing.importing.headers import refusal
from preprocessing.importing.identities import keyed_hash
from preprocessing.importing.plain_volume import PlainVolumeError, read_plain_volume
from preprocessing.importing.series_task import PlainFile, SeriesResult, SeriesTask
from preprocessing.nifti_writer import write_nifti
from preprocessing.provenance import (
    Provenance,
    file_hash,
    preparation_key,
    read_provenance,
    record_path,
    write_provenance,
)

IMPORT_VERSION = 1
"""Raised whenever an import's result changes, so that volumes imported before are imported again."""


def import_series(task: SeriesTask) -> SeriesResult:
    """Write the volume of a series and its record, or leave them where nothing has changed; raises nothing.

    Args:
        task: what to do.
    """
    try:
        return _import(task)
    except DicomError as error:
        return _refused(task, error.reason, refusal(error))
    except PlainVolumeError as error:
        return _refused(task, "unusable_volume", str(error))
    except OSError as error:
        return _refused(
            task, "unreadable", f"expected to read and write, found: {error.strerror or type(error).__name__}"
        )
    except Exception as error:  # noqa: BLE001 - one bad series never stops the rest
        place = traceback.extract_tb(error.__traceback__)[-1]
        # Not the error's own text: it may quote the header.
        found = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        return _refused(
            task, "failed", f"expected a volume or a reason, found {found}; report this as a fault"
        )


def remove_volume(image: Path) -> None:
    """Take away a volume and its record, if they stand.

    Args:
        image: the volume.
    """
    record_path(image).unlink(missing_ok=True)
    image.unlink(missing_ok=True)


def _import(task: SeriesTask) -> SeriesResult:
    sources, recipe = _sources(task), _recipe(task)
    standing = _standing_row(task, sources, recipe)
    if standing is not None:
        return SeriesResult(state="unchanged", row=standing)
    if task.damaged and not task.repair:
        found, remedy = f"{task.damaged} that cannot be", "export the series again, or allow repair"
        raise DicomError("corrupt", expected="files that can all be read", found=found, remedy=remedy)
    voxels, grid, row, notes = _read(task)
    row = {**row, **describe_grid(grid), **task.names, "image": _relative(task)}
    # The record goes before the volume changes and comes after: whoever finds it can trust it.
    record_path(task.image).unlink(missing_ok=True)
    write_nifti(voxels, grid, task.image)
    provenance = Provenance(
        case=task.names["series"],
        sources=sources,
        recipe=recipe,
        outputs={"image": file_hash(task.image)},
        notes={"import": notes, "row": row},
        warnings=notes.get("warnings", []),
    )
    write_provenance(record_path(task.image), provenance)
    return SeriesResult(state="imported", row=row)


def _read(
    task: SeriesTask,
) -> tuple[Num[np.ndarray, "slice row column"], Grid, dict[str, str], dict[str, Any]]:
    origin = task.origin
    if isinstance(origin, PlainFile):
        image = read_plain_volume(origin.path, source=origin.source)
        below = origin.path.relative_to(origin.source)
        row = {
            "format": file_kind(origin.path) or "",
            "description": clean_path((below.parent / plain_stem(below)).as_posix()),
            "files": "1",
            "repaired": "no",
        }
        return sitk.GetArrayFromImage(image), grid_of(image), row, {}
    identity = identity_of(origin.frames[0].path)
    volume = read_stack(origin, repair=task.repair)
    notes = _without_identity(volume.record, task, identity)
    if task.damaged:
        warning = f"damaged: {task.damaged} files of the series could not be read and are left out"
        notes["warnings"] = [*notes.get("warnings", []), warning]
    if task.beside:
        warning = f"damaged: {task.beside} files beside it cannot be read, and may have been slices of it"
        notes["warnings"] = [*notes.get("warnings", []), warning]
    row = {
        **describe_stack(origin, identity),
        "warnings": " | ".join(map(str, notes.get("warnings", []))),
        "repaired": "yes" if notes.get("repairs") or task.damaged else "no",
    }
    return volume.voxels, volume.grid, row, notes


def _without_identity(
    record: Mapping[str, Any], task: SeriesTask, identity: frozenset[str]
) -> dict[str, Any]:
    hidden = _hidden(task)

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return scrub(value, hidden=hidden, identity=identity)
        if isinstance(value, Mapping):
            return {str(name): cleaned(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [cleaned(item) for item in value]
        return value

    result: dict[str, Any] = json.loads(json.dumps(cleaned(record)))
    return result


def _hidden(task: SeriesTask) -> list[str]:
    hidden = [text for path in task.files for text in (str(path), str(path.parent))]
    # A DICOM file may be called "slice", which is a word of messages too; they quote its name.
    return hidden + ([task.origin.path.name] if isinstance(task.origin, PlainFile) else [])


def _refused(task: SeriesTask, reason: str, message: str) -> SeriesResult:
    # What an earlier run could make of other bytes is this series' volume no longer.
    remove_volume(task.image)
    identity: frozenset[str] = frozenset()
    if isinstance(task.origin, Stack):
        identity = identity_of(task.origin.frames[0].path)
    message = scrub(message, hidden=_hidden(task), identity=identity)
    return SeriesResult(state="refused", row={}, reason=reason, message=message)


def _relative(task: SeriesTask) -> str:
    return task.image.relative_to(task.output).as_posix()


def _sources(task: SeriesTask) -> dict[str, str]:
    """Keyed hash of the source's bytes: without the key, a copy of the source cannot be recognised by it."""
    hashes = sorted(file_hash(path) for path in task.files)
    if isinstance(task.origin, Stack):
        hashes += sorted(f"{frame.index}|{frame.tile}" for frame in task.origin.frames)
    hashes.append(f"{task.damaged} damaged, {task.beside} beside")
    return {"series": keyed_hash(task.secret, "|".join(hashes))}


def _recipe(task: SeriesTask) -> Sequence[Mapping[str, object]]:
    return [{"_target_": "preprocessing.importing", "version": IMPORT_VERSION, "repair": task.repair}]


def _standing_row(
    task: SeriesTask, sources: Mapping[str, str], recipe: Sequence[Mapping[str, object]]
) -> Mapping[str, str] | None:
    try:
        record = read_provenance(record_path(task.image))
        current = preparation_key(record.sources, record.recipe) == preparation_key(sources, recipe)
        if not current or record.outputs["image"] != file_hash(task.image):
            return None
        row = record.notes["row"]
    except (ValueError, KeyError, OSError):
        return None
    # Names may change alone, as a study's do when its UID is mended.
    return row if isinstance(row, Mapping) and all(row.get(n) == v for n, v in task.names.items()) else None
