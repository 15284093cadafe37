"""Cohort cases as the dictionaries that MONAI transforms work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from evaluation.arrays import Plane
from pipelines.data.recipes import SPACING_TOLERANCE
from pipelines.data.sidecar import slice_coverage, stored_provenance
from preprocessing.cohort import Case, Cohort, CohortError
from preprocessing.coverage import LEAST_COVERAGE
from preprocessing.preparation import prepare_scan
from preprocessing.scan import Scan, Step
from preprocessing.volume import read_labels, read_volume
from preprocessing.window import IntensityWindow


def volume_items(
    cohort: Cohort,
    *,
    domain: str,
    split: str,
    windows: Mapping[str, Sequence[Step]],
    allow_empty: bool = False,
    covered_along: Plane | None = None,
    least_coverage: float = LEAST_COVERAGE,
) -> list[dict[str, Any]]:
    """List the volumes of one domain and split with their intensity windows.

    Args:
        cohort: A checked cohort of volumes on one grid.
        domain: Domain name as in the table, for example "mr".
        split: "train", "validation" or "test".
        windows: By domain, the steps that find the window of a volume without a sidecar: a body mask where
            one is needed, and a window step.
        allow_empty: Whether no case at all is an answer rather than a fault.
        covered_along: Plane of the slices to train on, of which those that the scan hardly covers are left
            out. None keeps all, as validation does.
        least_coverage: Share of a slice that the scan must cover.

    Returns:
        Items with `image` (path), `case` (name) and `window` (plain values), in the table's order; where some
        slices are left out, also `slices`, the indices of the others.

    Raises:
        CohortError: If the cohort has no such case, no window is known for the domain, or a volume is left
            without slices; every such volume is named.
    """
    cases = cohort.select(domain=domain, split=split)
    if not cases and not allow_empty:
        fault = (
            f"wanted at least one case with domain {domain!r} and split {split!r}, found none; the table has "
            f"the domains {', '.join(cohort.domains)}. Set 'source' and 'target' to two of them."
        )
        raise CohortError(cohort.table, [fault])
    items = [case_item(case, windows=windows) for case in cases]
    if covered_along is not None:
        _leave_out_uncovered(cohort, cases, items, plane=covered_along, least=least_coverage)
    return items


def case_item(case: Case, *, windows: Mapping[str, Sequence[Step]]) -> dict[str, Any]:
    """Return the MONAI item of one case: its image path, name and window."""
    return {
        "image": str(case.image),
        "case": case.case,
        "window": case_window(case, windows=windows).to_dict(),
    }


def case_window(case: Case, *, windows: Mapping[str, Sequence[Step]]) -> IntensityWindow:
    """Return a case's window: the one stored when it was prepared, else what the domain's steps find.

    A stored window wins over the config's `windows`, so that every later step works in the window that the
    preparation decided on. To train in another one, prepare again with it.

    Args:
        case: A case with or without a record beside its volume.
        windows: By domain, the steps that find the window of a volume without one.

    Raises:
        CohortError: If neither is there.
    """
    provenance = stored_provenance(case.image)
    if provenance is not None and provenance.window is not None:
        return provenance.window
    if case.domain not in windows:
        fault = (
            f"{case.case}: no window is stored beside {case.image.name} and the config names none for the "
            f"domain {case.domain!r}. Run `cyclevox prepare`, or add the domain to 'windows'."
        )
        raise CohortError(case.image.parent, [fault])
    image = read_volume(case.image, case=case.case)
    mask = read_labels(case.mask, case=case.case) if case.mask else None
    window = prepare_scan(Scan(image=image, mask=mask), windows[case.domain]).window
    if window is None:
        raise ValueError(
            f"The steps for the domain {case.domain!r} in 'windows' set no window: add a window step."
        )
    return window


def _leave_out_uncovered(
    cohort: Cohort, cases: Sequence[Case], items: Sequence[dict[str, Any]], *, plane: Plane, least: float
) -> None:
    """Name in each item the slices to keep, where its record says that some were hardly scanned."""
    faults = []
    for case, item in zip(cases, items, strict=True):
        shares = slice_coverage(case.image, plane=plane)
        if shares is None or min(shares) >= least:
            continue
        item["slices"] = [number for number, share in enumerate(shares) if share >= least]
        if not item["slices"]:
            faults.append(
                f"case {case.case}: wanted {plane} slices that the scan covers to {least:.0%}, found none, "
                f"at best {max(shares):.0%}. Prepare it with another box, lower 'least_coverage' if only air "
                "is missing, or take it out of training."
            )
    if faults:
        raise CohortError(cohort.table, faults)


def common_grid(cases: Sequence[Case]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return the spacing and size that all volumes share.

    Args:
        cases: Cases of all domains that one network sees.

    Returns:
        Spacing in mm and size in voxels, both along [R, A, S].

    Raises:
        CohortError: If a volume's grid differs from the first one's; every such volume is named.
    """
    grids = {case.case: _canonical_grid(case.image) for case in cases}
    spacing, size = grids[cases[0].case]
    faults = [
        f"{name}: spacing {_numbers(other_spacing)} mm and size {_numbers(other_size)} along R, A, S, but "
        f"{cases[0].case} has {_numbers(spacing)} mm and {_numbers(size)}. "
        "Run `cyclevox prepare` with one reference grid."
        for name, (other_spacing, other_size) in grids.items()
        if other_size != size or not np.allclose(other_spacing, spacing, rtol=0, atol=SPACING_TOLERANCE)
    ]
    if faults:
        raise CohortError(cases[0].image.parent, faults)
    return spacing, size


def _canonical_grid(path: Path) -> tuple[tuple[float, ...], tuple[int, ...]]:
    image = nib.as_closest_canonical(nib.load(path))
    return tuple(float(value) for value in image.header.get_zooms()[:3]), tuple(
        int(n) for n in image.shape[:3]
    )


def _numbers(values: Sequence[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)
