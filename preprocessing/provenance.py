"""The record beside every prepared volume: from which bytes, by which steps, with which versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from preprocessing.atomic import write_text_atomically
from preprocessing.intensity_window import IntensityWindow
from preprocessing.nifti import beside

PREPROCESSING_VERSION = 3
"""Raised whenever a step's result changes, so that volumes prepared before are prepared again."""

_CHUNK = 1 << 22


def tool_versions() -> dict[str, str]:
    """Versions of the programs that decide the voxels."""
    return {
        "preprocessing": str(PREPROCESSING_VERSION),
        "SimpleITK": sitk.Version.VersionString(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def decisive_versions() -> list[str]:
    """Versions with which prepared volumes are current: of this code, and of SimpleITK."""
    versions = tool_versions()
    return [versions["preprocessing"], versions["SimpleITK"]]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is known about a prepared case. It holds no path and no name but the case's own.

    Args:
        case: name of the case.
        sources: SHA-256 of the bytes that were read, by role: image, label, mask, landmarks; fixed_image and
            the like of the partner that the case was registered onto.
        recipe: the steps in order, as `step_config` writes them.
        outputs: SHA-256 of the prepared files' bytes, by role.
        window: intensity window of the case, or None.
        notes: what the steps recorded.
        warnings: what the reader of the volume should know.
        versions: of the programs that made it.
        written: time of writing, ISO 8601, UTC.
    """

    case: str
    sources: Mapping[str, str]
    recipe: Sequence[Mapping[str, object]]
    outputs: Mapping[str, str]
    window: IntensityWindow | None = None
    notes: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=tool_versions)
    written: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def key(self) -> str:
        """Hash of everything that decides the result."""
        return preparation_key(self.sources, self.recipe)


def step_config(step: object) -> dict[str, object]:
    """Name and fields of a step, as a config names it.

    Args:
        step: a dataclass whose fields are JSON values.

    Raises:
        TypeError: if the step is no dataclass or a field is no JSON value.
    """
    if not is_dataclass(step) or isinstance(step, type):
        raise TypeError(f"expected a step that is a dataclass, found {step!r}")
    kind = type(step)
    values = {item.name: getattr(step, item.name) for item in dataclass_fields(step)}
    # A part of a step is named too: another one with the same numbers is another step.
    named: dict[str, object] = json.loads(json.dumps(values, default=step_config))
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **named}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Args:
        path: any file.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def recipe_hash(recipe: Sequence[Mapping[str, object]]) -> str:
    """SHA-256 of a recipe, in hexadecimal.

    Args:
        recipe: the steps in order, as `step_config` writes them.
    """
    return hashlib.sha256(json.dumps(list(recipe), sort_keys=True).encode()).hexdigest()


def preparation_key(sources: Mapping[str, str], recipe: Sequence[Mapping[str, object]]) -> str:
    """Hash that changes whenever source bytes, recipe or the version of a program change.

    Args:
        sources: SHA-256 of the source files' bytes, by role.
        recipe: the steps in order, as `step_config` writes them.
    """
    decisive = [dict(sources), recipe_hash(recipe), *decisive_versions()]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def record_path(volume: Path) -> Path:
    """Where the record of a volume stands: `<name>.json` beside `<name>.nii.gz`.

    Args:
        volume: a .nii or .nii.gz file.
    """
    return beside(volume, ".json")


def write_provenance(path: Path, provenance: Provenance) -> None:
    """Write the record as JSON, whole or not at all.

    Args:
        path: file beside the prepared volume.
        provenance: what to record.
    """
    record = asdict(provenance)
    record["key"] = provenance.key
    record["recipe_hash"] = recipe_hash(provenance.recipe)
    write_text_atomically(path, json.dumps(record, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_provenance(path: Path) -> Provenance:
    """Read a record that `write_provenance` wrote.

    Args:
        path: the JSON file.

    Raises:
        ValueError: if it is no such record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        window = IntensityWindow.from_dict(record["window"]) if record["window"] else None
        fields = {name: record[name] for name in Provenance.__dataclass_fields__ if name != "window"}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected a preparation record, found {error!r}; prepare again") from error
    return Provenance(window=window, **fields)
