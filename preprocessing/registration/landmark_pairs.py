"""Landmarks of two scans in one file, for registering them."""

from __future__ import annotations

from pathlib import Path

from preprocessing.landmarks import points_of, read_frame
from preprocessing.registration.error import RegistrationError
from preprocessing.registration.landmarks_start import common_points
from preprocessing.scan import Landmarks

_EXAMPLE = '{"frame": "LPS", "unit": "mm", "fixed": {"name": [x, y, z]}, "moving": {"name": [x, y, z]}}'


def read_landmark_pairs(path: Path) -> tuple[Landmarks, Landmarks]:
    """Read the landmarks of the fixed and of the moving scan, LPS millimetres.

    Args:
        path: a JSON file with frame, unit, and points by name under "fixed" and "moving".

    Raises:
        LandmarkError: if the file is missing, no such JSON, in another frame or unit, or a point is not three
            finite numbers.
        RegistrationError: if no name is in both.
    """
    content = read_frame(path, expected=_EXAMPLE)
    fixed, moving = (points_of(path, content.get(name), name=name) for name in ("fixed", "moving"))
    if not len(common_points(fixed, moving)[0]):
        found = f"fixed {sorted(fixed)}, moving {sorted(moving)}"
        raise RegistrationError(
            f"landmarks {path}: expected names that are in both scans, found {found}; name points alike"
        )
    return fixed, moving
