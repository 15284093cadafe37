"""Landmarks in a file beside their volume: points by name, LPS millimetres."""

from __future__ import annotations

import json
import math
from pathlib import Path

from preprocessing.atomic import write_text_atomically
from preprocessing.nifti import beside
from preprocessing.scan import Landmarks

ENDING = "_landmarks.json"
"""What the name of the file adds to the stem of its volume."""
FRAME, UNIT = "LPS", "mm"
"""The only frame and unit of such files; they are written out so that no reader has to guess."""

_EXAMPLE = '{"frame": "LPS", "unit": "mm", "points": {"name": [x, y, z]}}'


class LandmarkError(ValueError):
    """A landmark file cannot be used; the message names the file, what was expected and found."""


def landmarks_path(volume: Path) -> Path:
    """Where the landmarks of a volume stand: `<name>_landmarks.json` beside `<name>.nii.gz`.

    Args:
        volume: a .nii or .nii.gz file.
    """
    return beside(volume, ENDING)


def read_landmarks(path: Path) -> Landmarks:
    """Read points by name, LPS millimetres.

    Args:
        path: a JSON file with frame, unit and points.

    Raises:
        LandmarkError: if the file is missing, no such JSON, in another frame or unit, or a point is not three
            finite numbers.
    """
    return points_of(path, read_frame(path, expected=_EXAMPLE).get("points"), name="points")


def read_frame(path: Path, *, expected: str) -> dict[str, object]:
    """Read a JSON object that says its frame and unit.

    Args:
        path: the file.
        expected: an example of what it should hold, for messages.

    Raises:
        LandmarkError: if the file is missing, no such JSON, or in another frame or unit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LandmarkError(f"landmarks {path}: expected {expected}, found {error}; mend the file") from error
    if not isinstance(content, dict):
        raise _fault(path, f"a JSON object such as {expected}", f"a {type(content).__name__}")
    for name, wanted in (("frame", FRAME), ("unit", UNIT)):
        if content.get(name) != wanted:
            raise _fault(path, f"{name} {wanted!r}", repr(content.get(name)))
    return content


def points_of(path: Path, points: object, *, name: str) -> Landmarks:
    """Return points by name, LPS millimetres, of what a file holds.

    Args:
        path: the file, for messages.
        points: what it holds.
        name: of the entry, for messages.

    Raises:
        LandmarkError: if this is no object of names, or a point is not three finite numbers.
    """
    if not isinstance(points, dict):
        raise _fault(path, f"{name} as an object of names", f"a {type(points).__name__}")
    return {point: _point(path, point, values) for point, values in points.items()}


def write_landmarks(path: Path, landmarks: Landmarks) -> None:
    """Write points by name, whole or not at all.

    Args:
        path: the JSON file.
        landmarks: points by name, LPS millimetres.
    """
    points = {name: [float(value) for value in point] for name, point in landmarks.items()}
    content = {"frame": FRAME, "unit": UNIT, "points": points}
    write_text_atomically(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def _point(path: Path, name: str, values: object) -> tuple[float, float, float]:
    numbers = values if isinstance(values, list) else []
    if len(numbers) != 3 or not all(_is_finite(value) for value in numbers):
        raise _fault(path, f"three finite numbers for point {name!r}", repr(values))
    first, second, third = (float(value) for value in numbers)
    return first, second, third


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _fault(path: Path, expected: str, found: str) -> LandmarkError:
    return LandmarkError(f"landmarks {path}: expected {expected}, found {found}; correct the file")
