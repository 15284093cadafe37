"""Prepare one case: the unit of work, complete in itself, that a cohort's preparation hands out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from preprocessing.cohort import TABLE_NAME, Case
from preprocessing.grid import Grid, grid_of
from preprocessing.provenance import (
    Provenance,
    file_hash,
    preparation_key,
    read_provenance,
    record_path,
    step_config,
    write_provenance,
)
from preprocessing.scan import Scan, Step
from preprocessing.volume import read_labels, read_volume, write_volume

SUFFIX_OF_ROLE = {"image": "", "label": "_label", "mask": "_mask"}
"""What the name of each prepared file adds to the name of its case."""


@dataclass(frozen=True, kw_only=True)
class CaseTask:
    """Everything needed to prepare one case, in any process.

    Args:
        case: the case with the paths of its source files.
        steps: the preparation, in order.
        output: folder of the prepared files.
        grid: grid that the result must lie on, that of its partner, or None.
    """

    case: Case
    steps: tuple[Step, ...]
    output: Path
    grid: Grid | None = None

    @property
    def record(self) -> Path:
        """Record beside the prepared volume."""
        return record_path(self.file("image"))

    def file(self, role: str) -> Path:
        """Prepared file of a role.

        Args:
            role: image, label or mask.
        """
        return self.output / f"{self.case.case}{SUFFIX_OF_ROLE[role]}.nii.gz"


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What became of a case.

    Args:
        case: its name.
        state: how it ended.
        message: why it failed, else empty.
    """

    case: str
    state: Literal["prepared", "unchanged", "failed"]
    message: str = ""


def prepare_scan(scan: Scan, steps: Sequence[Step]) -> Scan:
    """Apply steps in order.

    Args:
        scan: the scan to begin with; it is left as it is.
        steps: the steps.

    Raises:
        ValueError: if a step cannot be applied; the message names the step.
    """
    for step in steps:
        try:
            scan = step(scan)
        except RuntimeError as error:
            # ITK's filters report everything as RuntimeError, the reason in the last line.
            reason = str(error).strip().splitlines()[-1]
            raise ValueError(f"{type(step).__name__}: {reason}") from error
    return scan


def prepare_case(task: CaseTask) -> CaseResult:
    """Prepare one case and write it, or leave it where nothing has changed; a bad case is a result.

    Args:
        task: what to do.
    """
    name = task.case.case
    try:
        if is_current(task):
            return CaseResult(case=name, state="unchanged")
        _write(task, _prepared(task))
    except (ValueError, OSError) as error:
        message = str(error)
        if str(task.case.image) not in message:
            message = f"case {name}, image {task.case.image}: {message}"
        return CaseResult(case=name, state="failed", message=message)
    return CaseResult(case=name, state="prepared")


def is_current(task: CaseTask) -> bool:
    """Whether the prepared files of a case stand as a preparation of just these sources and steps left them.

    Args:
        task: what would be done.
    """
    try:
        record = read_provenance(task.record)
        key = preparation_key(_sources(task.case), _recipe(task))
        return record.key == key and all(
            file_hash(task.file(role)) == record.outputs[role] for role in record.outputs
        )
    except (ValueError, OSError):
        return False


def _prepared(task: CaseTask) -> Scan:
    case = task.case
    scan = Scan(
        image=read_volume(case.image, case=case.case),
        mask=read_labels(case.mask, case=case.case) if case.mask else None,
        label=read_labels(case.label, case=case.case) if case.label else None,
    )
    scan = prepare_scan(scan, task.steps)
    difference = grid_of(scan.image).difference(task.grid) if task.grid else ""
    if difference:
        remedy = f"add ToReferenceGrid to the steps of domain {case.domain}"
        raise ValueError(f"expected the grid of its prepared partner, found {difference}; {remedy}")
    return scan


def _write(task: CaseTask, scan: Scan) -> None:
    # Table and record go before the volumes change and come after: whoever finds them can trust them.
    (task.output / TABLE_NAME).unlink(missing_ok=True)
    task.record.unlink(missing_ok=True)
    for role, image in _parts(scan):
        write_volume(image, task.file(role))
    provenance = Provenance(
        case=task.case.case,
        sources=_sources(task.case),
        recipe=_recipe(task),
        outputs={role: file_hash(task.file(role)) for role, _ in _parts(scan)},
        window=scan.window,
        notes={name: note for name, note in scan.notes.items() if name != "warnings"},
        warnings=scan.warnings,
    )
    write_provenance(task.record, provenance)


def _parts(scan: Scan) -> Iterator[tuple[str, sitk.Image]]:
    for role, image in (("image", scan.image), ("label", scan.label), ("mask", scan.mask)):
        if image is not None:
            yield role, image


def _sources(case: Case) -> dict[str, str]:
    paths = {"image": case.image, "label": case.label, "mask": case.mask}
    return {role: file_hash(path) for role, path in paths.items() if path is not None}


def _recipe(task: CaseTask) -> list[dict[str, object]]:
    return [step_config(step) for step in task.steps]
