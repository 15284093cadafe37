"""The folder that a cohort is prepared to: whether it may be written to, and what stands there meanwhile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from preprocessing.cohort import TABLE_NAME, Cohort
from preprocessing.prepared_files import STAGING_FOLDER, PreparedFiles


class OutputError(ValueError):
    """A folder cannot be prepared to; the message says what stands there and what to do."""


def refuse_sources(output: Path, cohort: Cohort) -> None:
    """Make sure that no file of the cohort would be overwritten.

    Args:
        output: the folder.
        cohort: the sources.

    Raises:
        OutputError: naming the first such file.
    """
    if cohort.table == output / TABLE_NAME:
        raise OutputError(f"output {output}: would overwrite the cohort itself; name another folder")
    sources = {
        path.resolve(): case.case
        for case in cohort
        for path in (case.image, case.label, case.mask)
        if path is not None
    }
    real = output.resolve()
    for case in cohort:
        for path in PreparedFiles(real, case.case):
            if path in sources:
                raise OutputError(
                    f"case {case.case}: would overwrite {path}, a source of case {sources[path]}; "
                    "name another output folder"
                )


def claim(output: Path, cohort: Cohort) -> None:
    """Make the folder ready, without a table and without what a killed run left.

    Args:
        output: the folder.
        cohort: the sources.

    Raises:
        OutputError: if files stand there that would be overwritten and are not of an earlier preparation.
    """
    if not _is_ours(output):
        files = [PreparedFiles(output, case.case) for case in cohort]
        targets = (path for each in files for path in (each.record, *each))
        foreign = next((path for path in (output / TABLE_NAME, *targets) if path.exists()), None)
        if foreign is not None:
            raise OutputError(
                f"output {output}: expected a new folder or an earlier preparation, found {foreign.name} "
                "and no preparation record; name another folder, or remove that file"
            )
    # From here on the folder is known for ours, also where a run is killed before its first record.
    (output / STAGING_FOLDER).mkdir(parents=True, exist_ok=True)
    # Whoever finds a table can trust it, so there is none while volumes change.
    (output / TABLE_NAME).unlink(missing_ok=True)
    _remove_leftovers(output)


def release(output: Path) -> None:
    """Take away what is only there while work goes on.

    Args:
        output: the folder.
    """
    _remove_leftovers(output)
    # A worker that was given up but still lives may be writing there: that must not matter.
    shutil.rmtree(output / STAGING_FOLDER, ignore_errors=True)


def _remove_leftovers(output: Path) -> None:
    for folder in (output / STAGING_FOLDER).iterdir():
        shutil.rmtree(folder, ignore_errors=True)
    for path in output.glob(".partial.*"):
        path.unlink()


def _is_ours(output: Path) -> bool:
    """Tell whether a preparation has worked here: it left a record, or what it puts there while it works."""
    if (output / STAGING_FOLDER).is_dir():
        return True
    return any(_is_record(path) for path in output.glob("*.json"))


def _is_record(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "recipe_hash" in content
