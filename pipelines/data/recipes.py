"""Stored preparation recipes as they are compared and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from preprocessing.field_of_view import NOWHERE, FemoralHeadBox
from preprocessing.provenance import step_config
from preprocessing.registration.match import AIR_HU
from preprocessing.registration.pair import PairRegistration
from preprocessing.reslice import ToGrid, ToReferenceGrid

StepConfig: TypeAlias = Mapping[str, Any]

SPACING_TOLERANCE = 1e-3
"""Largest difference in mm between two voxel sizes that count as one: headers hold 32-bit numbers."""


def on_reference_grid(recipe: Sequence[StepConfig], reference: StepConfig) -> list[StepConfig]:
    """Return a recipe as it is applied to any scan of its domain.

    The partner in a pair is resliced or registered onto the grid of the other scan, whose place is that
    scan's own: what is done to any scan is its voxel size, its number of voxels and the value outside. And
    where the place of the box was drawn for each training volume, any scan is cut at the mean place.

    Args:
        recipe: Steps as a record stores them.
        reference: Config of the reference grid, as `reference_step` finds it.
    """
    return [dict(reference if _stands_for(reference, step, recipe) else step) for step in recipe]


def reference_step(recipes: Sequence[Sequence[StepConfig]]) -> StepConfig | None:
    """Return the first reference grid that recipes name, without any draw; None if there is none.

    Args:
        recipes: Of the volumes of a domain.
    """
    names = (_name(ToReferenceGrid), _name(FemoralHeadBox))
    steps = (step for recipe in recipes for step in recipe if step["_target_"] in names)
    return next(map(_without_draw, steps), None)


def reference_for(
    recipes: Sequence[Sequence[StepConfig]], *, spacing: Sequence[float], size: Sequence[int]
) -> StepConfig | None:
    """Return the reference grid of recipes, or where all volumes were partners, one of the grid they share.

    Args:
        recipes: Of the volumes of a domain.
        spacing: Voxel size in mm along [R, A, S] that all volumes have.
        size: Voxels along [R, A, S].

    Returns:
        Config of a step that cuts a box; None if no recipe names a grid at all.
    """
    onto_partner = (_name(ToGrid), _name(PairRegistration))
    outside = [
        _outside(step, recipe) for recipe in recipes for step in recipe if step["_target_"] in onto_partner
    ]
    named = reference_step(recipes)
    if named is not None or not outside:
        return named
    return step_config(ToReferenceGrid(spacing=tuple(spacing), size=tuple(size), outside=outside[0]))


def _without_draw(step: StepConfig) -> StepConfig:
    """Return a step without what is drawn for each case: a translation has one right answer."""
    if step["_target_"] != _name(FemoralHeadBox):
        return step
    return {**step, "offset_sd": list(NOWHERE)}


def _stands_for(reference: StepConfig, step: StepConfig, recipe: Sequence[StepConfig]) -> bool:
    if step["_target_"] == _name(PairRegistration):
        # The grid is that of the partner, whose own recipe tells its size.
        return _outside(step, recipe) == float(str(reference["outside"]))
    if step["_target_"] != _name(ToGrid):
        return _without_draw(step) == reference
    same_size = _numbers(step["size"]) == _numbers(reference["size"])
    same_spacing = np.allclose(
        _numbers(step["spacing"]), _numbers(reference["spacing"]), rtol=0, atol=SPACING_TOLERANCE
    )
    return same_size and same_spacing and _outside(step, recipe) == reference["outside"]


def _outside(step: StepConfig, recipe: Sequence[StepConfig]) -> float:
    """Return what lies outside of a partner: as its step says, else air, as registration chooses itself."""
    if step["outside"] is not None:
        return float(str(step["outside"]))
    return AIR_HU if any(other.get("unit") == "HU" for other in recipe) else 0.0


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in values]


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
