"""Files that are called like the slices beside them and are no DICOM: slices that lost their beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from preprocessing.importing.headers import HeaderResult

_MESSAGE = "expected a DICOM file, as others of such a name beside it, found other bytes; export it again"


def with_lost_slices(found: Sequence[HeaderResult]) -> list[HeaderResult]:
    """The same, but that files which are no image count as damaged slices where their names say so.

    Args:
        found: what each file is.
    """
    names = {_pattern(result.path) for result in found if result.frames}
    return [
        replace(result, kind="dicom", reason="not_dicom", message=_MESSAGE)
        if result.kind is None and not result.reason and _pattern(result.path) in names
        else result
        for result in found
    ]


def _pattern(path: Path) -> tuple[Path, str]:
    """The folder, and the name without its numbers."""
    return path.parent, re.sub(r"\d+", "#", path.name)
