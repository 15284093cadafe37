"""An axial CT of the phantom: slices as the scanner makes them, and their truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from preprocessing.grid import Grid, three_floats
from preprocessing.phantom.acquisition import Volume, acquire_ct
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.axial_scans import covering_grid
from preprocessing.phantom.objects import COUCH_HU, Couch, couch_under, put_in
from preprocessing.phantom.patient import random_stream
from preprocessing.phantom.scanning import make_truth

CHUNK_MM = 46.0
"""Thickness of the slabs in which a CT is sampled: a whole one at full size would take gigabytes."""
SAMPLES = (2, 2)
"""Samples along rows and columns of a voxel: enough for 2.8 mm, and quick where pixels are coarser."""
MOST_ACROSS = 3
"""Most samples across a slice."""
SCALE_END = 3071.0
"""Largest CT number that scanners store, HU."""
BODY_HU = -600.0
"""CT numbers above this are body, in a truth without couch."""


@dataclass(frozen=True, kw_only=True)
class AxialTruth:
    """A patient on an axial lattice without noise, couch and padding.

    Args:
        grid: the lattice.
        label: structures, uint8, axes (k, j, i).
        hu: CT numbers, axes (k, j, i).
    """

    grid: Grid
    label: NDArray[np.uint8]
    hu: Volume


@dataclass(frozen=True, kw_only=True)
class AxialCT:
    """An axial CT.

    Args:
        sections: lattice and CT numbers (HU, axes k, j, i) of each part of even gaps.
        truth: on an even, upright lattice.
        couch: what lies under the patient.
    """

    sections: Sequence[tuple[Grid, Volume]]
    truth: AxialTruth
    couch: Couch


def scan_axial(anatomy: HipAnatomy, sections: Sequence[Grid], *, size: int, implant: bool = False) -> AxialCT:
    """Scan a patient on a couch.

    Args:
        anatomy: the patient.
        sections: lattices, upright or tilted, each of even gaps.
        size: pixels along a side of an MR slice of the cohort.
        implant: whether there is metal in the left hip.
    """
    truths = [axial_truth(anatomy, grid, implant=implant) for grid in sections]
    whole = covering_grid(sections, size)
    truth = truths[0] if len(truths) == 1 and not truths[0].grid.difference(whole) else None
    truth = truth or axial_truth(anatomy, whole, implant=implant)
    couch = couch_under([(truth.grid, truth.hu > BODY_HU)], middle=whole.centre[0])
    scanned = []
    for number, part in enumerate(truths):
        rng = random_stream(anatomy.patient.seed, f"axial noise {number}")
        seen = put_in(part.hu, couch.shares(part.grid), COUCH_HU)
        scanned.append((part.grid, np.rint(np.minimum(acquire_ct(seen, part.grid, rng), SCALE_END))))
    return AxialCT(sections=scanned, truth=truth, couch=couch)


def axial_truth(anatomy: HipAnatomy, grid: Grid, *, implant: bool = False) -> AxialTruth:
    """Sample a patient slab by slab.

    Args:
        anatomy: the patient.
        grid: the lattice.
        implant: whether there is metal in the left hip.
    """
    samples = (*SAMPLES, min(MOST_ACROSS, max(2, round(grid.spacing[2] / 2))))
    parts = [make_truth(anatomy, slab, implant=implant, supersampling=samples) for slab in _slabs(grid)]
    label = np.concatenate([part.sample.label for part in parts])
    return AxialTruth(grid=grid, label=label, hu=np.concatenate([part.ct for part in parts]))


def _slabs(grid: Grid) -> Iterator[Grid]:
    """Yield the lattice in slabs of whole slices."""
    columns, rows, slices = grid.size
    step = max(1, round(CHUNK_MM / grid.spacing[2]))
    for first in range(0, slices, step):
        origin = three_floats(grid.affine_lps @ [0, 0, first, 1])
        yield replace(grid, size=(columns, rows, min(step, slices - first)), origin=origin)
