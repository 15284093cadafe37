"""The preparation record beside a volume, if there is one, and what it says of the volume's slices."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.arrays import Plane
from preprocessing.coverage import COVERAGE_NOTE
from preprocessing.provenance import Provenance, read_provenance, record_path


def stored_provenance(image: Path) -> Provenance | None:
    """Return the record that `cyclevox prepare` left beside a volume; None if it left none.

    A JSON file of another make with the same stem, such as a BIDS sidecar, counts as none.

    Args:
        image: The volume, `<name>.nii.gz` or `<name>.nii`.

    Raises:
        ValueError: If a record of ours is there but damaged.
    """
    path = record_path(image)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    ours = isinstance(content, dict) and "recipe_hash" in content
    return read_provenance(path) if ours else None


def slice_coverage(image: Path, *, plane: Plane) -> list[float] | None:
    """Return the share of each slice that was scanned; None if no record says so.

    Args:
        image: The volume.
        plane: "sagittal", "coronal" or "axial"; the slices come in order along R, A or S.

    Raises:
        ValueError: If a record of ours is there but damaged.
    """
    provenance = stored_provenance(image)
    note = provenance.notes.get(COVERAGE_NOTE) if provenance is not None else None
    slices = note.get("slices") if isinstance(note, dict) else None
    return [float(share) for share in slices[plane]] if slices else None
