"""Prepare one case: the unit of work, complete in itself, that a cohort's preparation hands out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from preprocessing.cohort import Case
from preprocessing.cohort_checks import case_file_faults
from preprocessing.grid import grid_of
from preprocessing.landmarks import landmarks_path, read_landmarks
from preprocessing.partner import Procedure, procedure_for
from preprocessing.picture import middle_slice, write_picture
from preprocessing.prepared_files import PreparedFiles
from preprocessing.provenance import (
    Provenance,
    file_hash,
    preparation_key,
    read_provenance,
    write_provenance,
)
from preprocessing.scan import PairStep, Scan, Step
from preprocessing.staging import staged_files, write_parts
from preprocessing.volume import read_labels, read_volume


@dataclass(frozen=True, kw_only=True)
class CaseTask:
    """Everything needed to prepare one case, in any process that sees the same files.

    Args:
        case: the case with the paths of its source files.
        steps: the preparation of its domain, in order.
        output: folder of the prepared files.
        fixed: name of the prepared partner onto whose grid the case is brought, or None.
        registration: brings it there; None where the pair is verified and is only resliced.
        plane: sagittal, coronal or axial: of the small picture.
    """

    case: Case
    steps: tuple[Step, ...]
    output: Path
    fixed: str | None = None
    registration: PairStep | None = None
    plane: str = "coronal"

    @property
    def files(self) -> PreparedFiles:
        """Files that the case is prepared to."""
        return PreparedFiles(self.output, self.case.case)

    def procedure(self) -> Procedure:
        """Say what is done to the case.

        Raises:
            ValueError: if the partner's files cannot be used.
        """
        fixed = PreparedFiles(self.output, self.fixed) if self.fixed is not None else None
        return procedure_for(self.steps, fixed=fixed, registration=self.registration)


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
        _require_files(task.case)
        procedure = task.procedure()
        if is_current(task, procedure):
            return CaseResult(case=name, state="unchanged")
        _prepare(task, procedure)
    except (ValueError, OSError) as error:
        return failure(task.case, str(error))
    except Exception as error:  # one bad case must never stop the rest
        logging.getLogger(__name__).exception("case %s", name)
        return failure(task.case, f"{type(error).__name__}: {error}")
    return CaseResult(case=name, state="prepared")


def failure(case: Case, message: str) -> CaseResult:
    """Result of a case that could not be prepared; the message names case and file.

    Args:
        case: the case.
        message: the reason.
    """
    if not message.startswith(f"case {case.case}, "):
        message = f"case {case.case}, image {case.image}: {message}"
    return CaseResult(case=case.case, state="failed", message=message)


def is_current(task: CaseTask, procedure: Procedure) -> bool:
    """Whether the prepared files of a case stand as a preparation of just these sources and steps left them.

    Args:
        task: what would be done.
        procedure: the steps that it means.
    """
    try:
        record = read_provenance(task.files.record)
        key = preparation_key(_sources(task.case, procedure), procedure.recipe)
        return record.key == key and all(
            file_hash(task.files.file(role)) == record.outputs[role] for role in record.outputs
        )
    except (ValueError, KeyError, OSError):
        return False


def _prepare(task: CaseTask, procedure: Procedure) -> None:
    sources = _sources(task.case, procedure)
    before: list[sitk.Image] = []

    def look(scan: Scan) -> Scan:
        before.append(middle_slice(scan.image, task.plane))
        return scan

    # No name here holds the source, so that its memory is free as soon as the first step has left it behind.
    scan = prepare_scan(_read(task.case), (look, *procedure.steps))
    difference = grid_of(scan.image).difference(procedure.grid) if procedure.grid else ""
    if difference:
        remedy = f"add ToReferenceGrid to the steps of domain {task.case.domain}"
        raise ValueError(f"expected the grid of its prepared partner, found {difference}; {remedy}")
    with staged_files(task.files) as staged:
        outputs = write_parts(scan, staged)
        write_picture(staged.picture, before=before[0], after=scan, plane=task.plane)
    provenance = Provenance(
        case=task.case.case,
        sources=sources,
        recipe=procedure.recipe,
        outputs=outputs,
        window=scan.window,
        notes={name: note for name, note in scan.notes.items() if name != "warnings"},
        warnings=scan.warnings,
    )
    write_provenance(task.files.record, provenance)


def _require_files(case: Case) -> None:
    paths = {"image": case.image, "label": case.label, "mask": case.mask}
    there = {role: path for role, path in paths.items() if path is not None}
    faults = list(case_file_faults(case.case, there))
    if faults:
        raise ValueError("; ".join(faults))


def _read(case: Case) -> Scan:
    landmarks = landmarks_path(case.image)
    return Scan(
        image=read_volume(case.image, case=case.case),
        mask=read_labels(case.mask, case=case.case) if case.mask else None,
        label=read_labels(case.label, case=case.case) if case.label else None,
        landmarks=read_landmarks(landmarks) if landmarks.exists() else {},
        case=case.case,
    )


def _sources(case: Case, procedure: Procedure) -> dict[str, str]:
    landmarks = landmarks_path(case.image)
    paths = {
        "image": case.image,
        "label": case.label,
        "mask": case.mask,
        "landmarks": landmarks if landmarks.exists() else None,
    }
    own = {role: file_hash(path) for role, path in paths.items() if path is not None}
    return {**own, **procedure.sources}
