"""The folder of a study: one set of settings, and what was run with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preprocessing.atomic import write_text_atomically

SETTINGS_FILE = "settings.json"
"""The settings that a study's folder was begun with."""


class StudyError(ValueError):
    """A folder that holds a study with other settings."""


def claim_folder(out: Path, settings: Mapping[str, Any]) -> None:
    """Begin a study in a folder, or go on with the same one.

    Args:
        out: The study's folder; made if absent.
        settings: Everything that decides the study's results, as JSON values.

    Raises:
        StudyError: If the folder was begun with other settings, naming those that differ.
    """
    wanted: dict[str, Any] = json.loads(json.dumps(settings))
    path = out / SETTINGS_FILE
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, json.dumps(wanted, indent=2) + "\n")
        return
    found = json.loads(path.read_text())
    names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if names:
        differences = "; ".join(f"{name} was {found.get(name)}, is {wanted.get(name)}" for name in names)
        raise StudyError(f"{out} holds a study with other settings: {differences}. Use another folder.")


def revisions(runs: list[Path]) -> str:
    """Return the revisions that trained the runs of a study, as their own records tell.

    Args:
        runs: Run folders.
    """
    records = [json.loads((run / "environment.json").read_text()) for run in runs]
    return ", ".join(sorted({str(record["revision"]) for record in records}))


def machines(runs: list[Path]) -> str:
    """Return system, torch and threads of the runs of a study, as their own records tell.

    Args:
        runs: Run folders.
    """
    records = [json.loads((run / "environment.json").read_text()) for run in runs]
    lines = {
        f"{record['system']}, torch {record['versions']['torch']}, {record['threads']} thread(s)"
        for record in records
    }
    return "; ".join(sorted(lines))
