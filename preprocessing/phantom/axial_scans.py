"""How the phantom's axial CT lies: whole pelvis to thigh, evenly or not, upright or tilted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.grid import Grid, three_floats
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.scan_grids import CT_FIELD_OF_VIEW, axial_grid

KINDS = ("gaps", "tilted", "enhanced", "regular")
"""What the first CT patients of a cohort are, in turn; every further one is regular."""
TOP = 190.0
"""Height of the first slice above the femoral heads, mm in a patient of scale 1: above the iliac crest, so
that a box of the MR's 320 mm about the heads, wherever it is drawn, lies inside of the scan."""
KNEE_WARD = -300.0
"""Height of the last slice: in the distal femur."""
SECTIONS = ((-100.0, 1.0), (-220.0, 3.0), (KNEE_WARD, 0.5))
"""Ends of the sections of an uneven series (mm at scale 1), and their gaps as multiples of a regular series'.
Pelvis and proximal femur, shaft, distal femur: 2, 6 and 1 mm at full size (Hiasa et al. 2018)."""
FEWEST = 3
"""Slices in a section, however coarse."""
GANTRY_TILT = -12.0
"""Degrees by which the gantry of a tilted series leans; negative as Philips writes a top that leans away."""
BACKWARD = 10.0
"""mm by which the field of view lies behind the heads, so that it holds belly and couch."""


def slice_gap(size: int) -> float:
    """Distance in mm between the slices of a regular CT: the paper's 2 mm, more where pixels are coarse.

    Args:
        size: pixels along a side of an MR slice of the cohort.
    """
    return float(np.clip(256 / size, 2, 16))


def regular_sections(anatomy: HipAnatomy, size: int) -> list[Grid]:
    """Lattice of an even, upright series, as a list of one.

    Args:
        anatomy: the patient.
        size: pixels along a side of an MR slice of the cohort; a CT has twice as many.
    """
    gap, scale = slice_gap(size), anatomy.patient.scale
    count = round((TOP - KNEE_WARD) * scale / gap)
    return [_axial(anatomy, size, (TOP + KNEE_WARD) / 2 * scale, count, gap)]


def uneven_sections(anatomy: HipAnatomy, size: int) -> list[Grid]:
    """Lattices of a series with gaps of 2, 6 and 1 mm (scaled for small sizes), from head to foot.

    Between two sections lies the larger of their gaps.

    Args:
        anatomy: the patient.
        size: pixels along a side of an MR slice of the cohort.
    """
    grids: list[Grid] = []
    scale = anatomy.patient.scale
    highest, before = TOP * scale, 0.0
    for end, factor in SECTIONS:
        gap = slice_gap(size) * factor
        highest -= max(gap, before) if grids else 0.0
        count = max(FEWEST, 1 + int((highest - end * scale) / gap))
        lowest = highest - (count - 1) * gap
        grids.append(_axial(anatomy, size, (highest + lowest) / 2, count, gap))
        highest, before = lowest, gap
    return grids


def tilted_sections(anatomy: HipAnatomy, size: int) -> list[Grid]:
    """Lattice of an even series under a tilted gantry, as a list of one: the table still moves level.

    Args:
        anatomy: the patient.
        size: pixels along a side of an MR slice of the cohort.
    """
    upright = regular_sections(anatomy, size)[0]
    angle = np.deg2rad(GANTRY_TILT)
    direction = np.array([[1, 0, 0], [0, np.cos(angle), 0], [0, np.sin(angle), 1]])
    middle = direction @ ((np.array(upright.size) - 1) / 2 * np.array(upright.spacing))
    return [
        Grid(
            size=upright.size,
            spacing=upright.spacing,
            origin=three_floats(np.array(upright.centre) - middle),
            direction=tuple(float(v) for v in direction.ravel()),
        )
    ]


def covering_grid(sections: Sequence[Grid], size: int) -> Grid:
    """Even, upright lattice over the whole of a series, for its truth.

    Args:
        sections: of the series.
        size: pixels along a side of an MR slice of the cohort.
    """
    corners = np.concatenate([grid.corners() for grid in sections])
    middle, gap = (corners.min(axis=0) + corners.max(axis=0)) / 2, slice_gap(size)
    count = int(np.ceil(np.ptp(corners[:, 2]) / gap - 1e-6)) + 1
    return axial_grid(centre=middle, size=2 * size, slices=count, thickness=gap)


def reconstruction_circle(size: int) -> NDArray[np.bool_]:
    """Where a slice is inside the circle that a scanner reconstructs, axes (row, column).

    Args:
        size: pixels along a side of an MR slice of the cohort.
    """
    along = (np.arange(2 * size) - (2 * size - 1) / 2) * CT_FIELD_OF_VIEW / (2 * size)
    inside: NDArray[np.bool_] = np.hypot(*np.meshgrid(along, along)) <= CT_FIELD_OF_VIEW / 2
    return inside


def _axial(anatomy: HipAnatomy, size: int, height: float, count: int, gap: float) -> Grid:
    """Upright lattice whose middle lies at a height above the heads."""
    centre = anatomy.head_midpoint() + np.array([0.0, BACKWARD, height])
    return axial_grid(centre=centre, size=2 * size, slices=count, thickness=gap)
