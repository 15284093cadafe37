"""The record beside every synthetic volume: what it is, and what made it."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.model.environment import software_versions
from pipelines.model.model_folder import TranslationModel
from preprocessing.cohort import CohortError, read_cohort
from preprocessing.provenance import file_hash


def record_path(volume: Path) -> Path:
    """Return where the record of a volume stands: `<name>.json` beside `<name>.nii.gz`."""
    return volume.with_name(volume.name.removesuffix(".gz").removesuffix(".nii") + ".json")


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
    path = record_path(output)
    beside = path.with_suffix(".partial")
    beside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def is_translation(table: Path) -> bool:
    """Tell whether every volume of a cohort table is one that a translation wrote.

    Args:
        table: A cohort table; one that cannot be read counts as none of ours.
    """
    try:
        return all(_is_synthetic(case.image) for case in read_cohort(table))
    except CohortError:
        return False


def _is_synthetic(volume: Path) -> bool:
    try:
        record = json.loads(record_path(volume).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("synthetic") is True
