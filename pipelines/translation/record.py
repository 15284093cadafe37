"""The record beside every synthetic volume: what it is, and what made it."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.model.environment import software_versions
from pipelines.model.model_folder import TranslationModel
from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import CohortError, read_cohort
from preprocessing.provenance import file_hash, record_path


def write_record(output: Path, *, model: TranslationModel, to: str, source: Path) -> None:
    """Write what made a synthetic volume beside it.

    Args:
        output: The synthetic volume.
        model: The translator.
        to: Domain translated to.
        source: The volume that was translated; only its hash is recorded.
    """
    record = {
        "synthetic": True,
        "domain": to,
        "translated_from": model.origin_of(to),
        "window": model.windows[to].to_dict(),
        "source_sha256": file_hash(source),
        "weights_sha256": file_hash(model.weights(to)),
        "training_iterations": model.iteration,
        "training_cohort": model.cohort_hash,
        "versions": software_versions(),
    }
    write_text_atomically(record_path(output), json.dumps(record, indent=2) + "\n")


def is_translation(table: Path) -> bool:
    """Tell whether every volume of a cohort table is one that a translation wrote.

    Args:
        table: A cohort table; one that cannot be read counts as none of ours.
    """
    try:
        return all(is_synthetic(case.image) for case in read_cohort(table))
    except CohortError:
        return False


def is_synthetic(volume: Path) -> bool:
    """Tell whether the record beside a volume, present or not, says that a translation wrote it.

    Args:
        volume: A NIfTI file; its own bytes are not looked at.
    """
    try:
        record = json.loads(record_path(volume).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("synthetic") is True
