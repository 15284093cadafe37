"""One scan on its way through the preparation, and what a step of it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, runtime_checkable

import SimpleITK as sitk

from preprocessing.cohort import Case
from preprocessing.grid import Grid, grid_of
from preprocessing.intensity_window import IntensityWindow

Landmarks: TypeAlias = Mapping[str, tuple[float, float, float]]
"""Points by name, LPS millimetres."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """An image with what belongs to it, all on one grid.

    Args:
        image: intensities, LPS millimetres; CT in HU.
        mask: the body, 1 inside, or None while unknown.
        label: structures by number, or None.
        coverage: where the image was really scanned, 1 inside, or None while that is everywhere.
        landmarks: anatomical points by name, LPS millimetres.
        transform: from points of this scan to points of its source, LPS mm, where registration moved it.
        window: intensities that the network will see, or None while unknown.
        notes: JSON values that the steps leave for the record, by step.
        case: name of the case, on which seeded draws depend; empty for a scan outside any cohort.

    Raises:
        ValueError: if mask, label or coverage lie on another grid than the image.
    """

    image: sitk.Image
    mask: sitk.Image | None = None
    label: sitk.Image | None = None
    coverage: sitk.Image | None = None
    landmarks: Landmarks = field(default_factory=dict)
    transform: sitk.Transform | None = None
    window: IntensityWindow | None = None
    notes: Mapping[str, object] = field(default_factory=dict)
    case: str = ""

    def __post_init__(self) -> None:
        """Refuse parts on different grids."""
        for name, part in (("mask", self.mask), ("label", self.label), ("coverage", self.coverage)):
            difference = grid_of(self.image).difference(grid_of(part)) if part is not None else ""
            if difference:
                raise ValueError(
                    f"{name}: expected the grid of its image, found {difference}; reslice it first"
                )

    def with_note(self, name: str, value: object) -> Scan:
        """Same scan with one more note.

        Args:
            name: the step that speaks.
            value: a JSON value.
        """
        return replace(self, notes={**self.notes, name: value})

    def with_warning(self, message: str) -> Scan:
        """Same scan with one more warning in its notes.

        Args:
            message: what the reader of the record should know.
        """
        return self.with_note("warnings", [*self.warnings, message])

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings that the steps left."""
        found = self.notes.get("warnings", ())
        return tuple(str(message) for message in found) if isinstance(found, list) else ()


@runtime_checkable
class Step(Protocol):
    """A frozen dataclass with JSON fields that turns one scan into another."""

    def __call__(self, scan: Scan) -> Scan:
        """Apply the step; the given scan is left as it is."""
        ...


@runtime_checkable
class CohortStep(Protocol):
    """A frozen dataclass with JSON fields that must see the cohort before it becomes a step."""

    def fit(self, cases: Sequence[Case]) -> Step:
        """Return the step with the numbers that the cohort gave it, fit to be recorded.

        Args:
            cases: every case of the cohort.
        """
        ...


@runtime_checkable
class GridStep(Protocol):
    """A step that chooses the grid of the result; a partner in a pair is brought onto a given one instead."""

    def onto(self, grid: Grid) -> Step | None:
        """Return the step that ends on a given grid; None if nothing is left to do then.

        Args:
            grid: the grid of the prepared partner.
        """
        ...


@runtime_checkable
class PairStep(Protocol):
    """A frozen dataclass with JSON fields that brings one scan onto another of the same patient."""

    def register(self, moving: Scan, fixed: Scan) -> Scan:
        """Return the moving scan on the fixed one's grid, with coverage and a note named "registration".

        Args:
            moving: the scan to bring; it is left as it is.
            fixed: the prepared scan that stays.
        """
        ...
