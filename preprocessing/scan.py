"""One scan on its way through the preparation, and what a step of it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import SimpleITK as sitk

from preprocessing.grid import grid_of
from preprocessing.intensity_window import IntensityWindow


@dataclass(frozen=True, kw_only=True)
class Scan:
    """An image with what belongs to it, all on one grid.

    Args:
        image: intensities, LPS millimetres; CT in HU.
        mask: the body, 1 inside, or None while unknown.
        label: structures by number, or None.
        window: intensities that the network will see, or None while unknown.
        notes: JSON values that the steps leave for the record, by step.

    Raises:
        ValueError: if mask or label lie on another grid than the image.
    """

    image: sitk.Image
    mask: sitk.Image | None = None
    label: sitk.Image | None = None
    window: IntensityWindow | None = None
    notes: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse parts on different grids."""
        for name, part in (("mask", self.mask), ("label", self.label)):
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
