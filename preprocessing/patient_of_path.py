"""The patient that the path of a file tells, where the file itself says nothing."""

from __future__ import annotations

import re
from pathlib import PurePath

_ENDINGS = frozenset({".gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd"})


class PatientOfPathError(ValueError):
    """A path tells no patient by the expression given."""


def patient_of_path(path: PurePath, pattern: str | None) -> str:
    """Name of the patient: by an expression, else the top folder, else the file's name without its ending.

    Args:
        path: a file's path below the folder of all patients.
        pattern: regular expression whose first group, or whole match, is the patient; None for that rule.

    Raises:
        PatientOfPathError: if the pattern is none, or does not occur in the path.
    """
    if pattern is None:
        return path.parts[0] if len(path.parts) > 1 else _stem(path)
    check_pattern(pattern)
    match = re.search(pattern, path.as_posix())
    name = (match[1] if match.re.groups else match[0]) if match else None
    if not name:
        raise PatientOfPathError(
            f"file {path}: expected a patient by the expression {pattern!r}, found none; make it fit all"
        )
    return name


def check_pattern(pattern: str | None) -> None:
    """Make sure that an expression for patients is one.

    Args:
        pattern: as `patient_of_path` takes it.

    Raises:
        PatientOfPathError: if it is no regular expression.
    """
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise PatientOfPathError(
            f"patient {pattern!r}: expected a regular expression, found {error}"
        ) from error


def _stem(path: PurePath) -> str:
    while path.suffix.lower() in _ENDINGS:
        path = path.with_suffix("")
    return path.name
