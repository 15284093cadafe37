"""How a case of a pair is prepared: onto its partner's prepared grid, resliced or registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import SimpleITK as sitk

from preprocessing.grid import Grid
from preprocessing.landmarks import read_landmarks
from preprocessing.nifti import read_header
from preprocessing.prepared_files import PreparedFiles
from preprocessing.provenance import read_provenance, step_config
from preprocessing.scan import GridStep, PairStep, Scan, Step
from preprocessing.volume import read_labels, read_volume

VERDICTS = ("accept", "review", "reject")
"""What a registration may say of itself; only the first makes a pair."""

_LOOKED_AT = ("image", "mask", "coverage", "landmarks")


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """What is done to one case.

    Args:
        steps: in order.
        recipe: the same as JSON values, as `step_config` writes them.
        sources: SHA-256 of what is read beside the case's own files, by role.
        grid: that the result must lie on, or None.
    """

    steps: tuple[Step, ...]
    recipe: list[dict[str, object]]
    sources: dict[str, str] = field(default_factory=dict)
    grid: Grid | None = None


def procedure_for(
    steps: Sequence[Step], *, fixed: PreparedFiles | None, registration: PairStep | None
) -> Procedure:
    """Say what is done to a case.

    Args:
        steps: of its domain.
        fixed: the prepared partner, or None for a case by itself.
        registration: brings a candidate onto the partner; None where the pair is verified already.

    Raises:
        ValueError: if the partner's files cannot be used.
    """
    if fixed is None:
        return Procedure(steps=tuple(steps), recipe=[step_config(step) for step in steps])
    grid = read_header(fixed.file("image")).grid
    if registration is None:
        resliced = onto_grid(steps, grid)
        return Procedure(steps=resliced, recipe=[step_config(step) for step in resliced], grid=grid)
    before, after = around_grid(steps)
    recipe = [step_config(step) for step in (*before, registration, *after)]
    outputs = read_provenance(fixed.record).outputs
    return Procedure(
        steps=(*before, OntoPartner(registration=registration, fixed=fixed), *after),
        recipe=recipe,
        sources={f"fixed_{role}": outputs[role] for role in _LOOKED_AT if role in outputs},
        grid=grid,
    )


def onto_grid(steps: Sequence[Step], grid: Grid) -> tuple[Step, ...]:
    """Steps that end on a given grid, where they would have chosen one of their own.

    Args:
        steps: the steps of the domain.
        grid: the prepared partner's grid.
    """
    moved = [step.onto(grid) if isinstance(step, GridStep) else step for step in steps]
    return tuple(step for step in moved if step is not None)


def around_grid(steps: Sequence[Step]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Steps before and after those that choose the grid, which registration stands in for.

    Args:
        steps: the steps of the domain.
    """
    places = [place for place, step in enumerate(steps) if isinstance(step, GridStep)]
    last = places[-1] if places else len(steps)
    before = tuple(step for step in steps[:last] if not isinstance(step, GridStep))
    return before, tuple(steps[last + 1 :])


@dataclass(frozen=True, kw_only=True)
class OntoPartner:
    """Register a scan onto its prepared partner, with a warning where it is not good enough for a pair.

    Args:
        registration: does it.
        fixed: the partner's files.
    """

    registration: PairStep
    fixed: PreparedFiles

    def __call__(self, scan: Scan) -> Scan:
        """Register.

        Args:
            scan: the moving scan, prepared but for its grid.

        Raises:
            ValueError: if the registration leaves no verdict.
        """
        moved = self.registration.register(moving=scan, fixed=read_prepared(self.fixed))
        note = moved.notes.get("registration")
        verdict = note.get("verdict") if isinstance(note, dict) else None
        if verdict not in VERDICTS:
            name, known = type(self.registration).__name__, ", ".join(VERDICTS)
            raise ValueError(f"{name}: expected a verdict of {known} in its note, found {verdict!r}")
        if verdict == "accept":
            return moved
        return moved.with_warning(
            f"registration onto {self.fixed.case}: {verdict}; no pair is made of them, but this volume lies "
            f"on the grid of {self.fixed.case}, where it was brought"
        )


def read_prepared(files: PreparedFiles) -> Scan:
    """Read a prepared case back.

    Args:
        files: of the case; its record says which there are.

    Raises:
        ValueError: if one of them cannot be used.
    """
    record = read_provenance(files.record)

    def part(role: str) -> sitk.Image | None:
        return read_labels(files.file(role), case=files.case) if role in record.outputs else None

    return Scan(
        image=read_volume(files.file("image"), case=files.case),
        mask=part("mask"),
        label=part("label"),
        coverage=part("coverage"),
        landmarks=read_landmarks(files.file("landmarks")) if "landmarks" in record.outputs else {},
        window=record.window,
        notes=record.notes,
    )
