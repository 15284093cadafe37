"""The row of series.csv that describes an imported volume, without identity."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from preprocessing.dicom.series import Stack
from preprocessing.grid import Grid
from preprocessing.importing.cleaning import clean_text
from preprocessing.importing.vocabulary import WORDS

MAX_TILT_DEG = 30.0
"""A plane turned further than this from axial, coronal and sagittal is called oblique."""
_THICKER = 1.05
"""Slices count as such if they are this much thicker than voxels are wide."""
_PLANES = ("sagittal", "coronal", "axial")
_DIGITS = 6
_TERM = re.compile(r"[A-Z]+")
_SEQUENCES = ("SE", "IR", "GR", "EP", "RM")
"""Defined terms of Scanning Sequence (PS3.3, C.8.3.1): like the modality, they are never identity."""
_NO_CONTRAST = ("", "none", "no", "non", "nein", "0", "without", "w/o")
"""What technicians type as the agent where there was none."""


def describe_grid(grid: Grid) -> dict[str, str]:
    """Plane, size, spacing and extent.

    Args:
        grid: of the volume as it is written.
    """
    size, spacing = grid.size, grid.spacing
    extent = [count * width for count, width in zip(size, spacing, strict=True)]
    return {
        "plane": plane_of(grid),
        **dict(zip(("columns", "rows", "slices"), map(str, size), strict=True)),
        **dict(zip(("spacing_x", "spacing_y", "spacing_z"), map(_number, spacing), strict=True)),
        **dict(zip(("extent_x", "extent_y", "extent_z"), map(_number, extent), strict=True)),
    }


def plane_of(grid: Grid) -> str:
    """Plane of the slices: axial, coronal, sagittal or oblique.

    Args:
        grid: of a volume whose slices follow each other along the axis of widest spacing, else the third.
    """
    spacing = np.asarray(grid.spacing)
    widest = int(spacing.argmax())
    axis = widest if spacing[widest] > _THICKER * np.sort(spacing)[1] else 2
    normal = np.abs(np.reshape(grid.direction, (3, 3))[:, axis])
    tilt = np.degrees(np.arccos(min(1.0, float(normal.max()))))
    return "oblique" if tilt > MAX_TILT_DEG else _PLANES[int(normal.argmax())]


def describe_stack(stack: Stack, identity: Collection[str]) -> dict[str, str]:
    """What the headers say of a scan, free text cleaned.

    Args:
        stack: the slices of one volume.
        identity: parts of names and numbers that must not be seen, from `cleaning.identity_parts`.
    """
    series, first = stack.series, stack.frames[0]
    texts = {
        "description": f"{series.series_description} {series.protocol}",
        "sequence_name": series.sequence_name,
        "kernel": series.kernel,
        "manufacturer": series.manufacturer,
        "model": series.model,
    }
    numbers = {
        "tr_ms": series.repetition_time,
        "te_ms": first.echo_time,
        "ti_ms": series.inversion_time,
        "flip_angle_deg": series.flip_angle,
        "field_t": series.field_strength,
    }
    return {
        "format": "dicom",
        "modality": series.modality,
        "scanning_sequence": " ".join(
            term for term in _TERM.findall(series.scanning_sequence) if term in _SEQUENCES
        ),
        **{name: clean_text(text, identity) for name, text in texts.items()},
        # A code of the standard, which names nobody even if the patient is called HIP-001.
        "body_part": clean_text(series.body_part, frozenset(identity) - WORDS),
        **{name: "" if value is None else _number(value) for name, value in numbers.items()},
        "contrast": "no" if series.contrast_agent.strip().lower() in _NO_CONTRAST else "yes",
        "files": str(len({frame.path for frame in stack.frames})),
    }


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
