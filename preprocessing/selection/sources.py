"""Choose volumes for the domains: from the table of an import by rules, from a folder by patterns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from preprocessing.nifti import SUFFIXES
from preprocessing.patient_of_path import patient_of_path
from preprocessing.selection.choice import Choice, SelectionError
from preprocessing.selection.rule import matching

_NUMBERS = (
    *("columns", "rows", "slices", "spacing_x", "spacing_y", "spacing_z", "extent_x", "extent_y", "extent_z"),
    *("tr_ms", "te_ms", "ti_ms", "flip_angle_deg", "field_t", "files"),
)
_TEXTS = (
    *("patient", "study", "series", "image", "format", "modality", "description", "body_part", "plane"),
    *("scanning_sequence", "sequence_name", "kernel", "manufacturer", "model", "contrast"),
    *("frame_of_reference", "warnings", "repaired"),
)
_NEEDED = ("patient", "series", "image")
_SHOWN = 5


def choose_series(table: Path, rules: Mapping[str, str]) -> list[Choice]:
    """Choose the rows of a table of series that the rules hold for.

    Args:
        table: series.csv of an import; columns may have been added.
        rules: one for each domain, as `rule.matching` takes them.

    Raises:
        SelectionError: if the table or a rule is unusable, a rule holds for no series, or two for one.
    """
    series = _read(table)
    chosen = {
        domain: [number for number, holds in enumerate(matching(series, rule, domain=domain)) if holds]
        for domain, rule in rules.items()
    }
    _require_matches({domain: len(rows) for domain, rows in chosen.items()}, rules, table)
    cells = {name: _column(series, name) for name in (*_NEEDED, "study", "frame_of_reference")}
    _refuse_doubles({domain: [cells["series"][row] for row in rows] for domain, rows in chosen.items()})
    return [
        Choice(
            domain=domain,
            patient=cells["patient"][row],
            image=table.parent / cells["image"][row],
            order=cells["series"][row],
            study=cells["study"][row],
            frame_of_reference=cells["frame_of_reference"][row],
        )
        for domain, rows in chosen.items()
        for row in rows
    ]


def choose_files(folder: Path, patterns: Mapping[str, str], *, patient: str | None) -> list[Choice]:
    """Choose the NIfTI files of a folder that patterns of paths hold for.

    Args:
        folder: where the patterns begin.
        patterns: a glob for each domain, such as `**/*T1*.nii.gz`.
        patient: expression that finds the patient in a file's path, as `patient_of_path` takes it.

    Raises:
        SelectionError: if a pattern holds for no file, or two for one.
        PatientOfPathError: if a path tells no patient.
    """
    found = {domain: _files(folder, pattern) for domain, pattern in patterns.items()}
    _require_matches({domain: len(files) for domain, files in found.items()}, patterns, folder)
    _refuse_doubles(
        {domain: [str(path.relative_to(folder)) for path in files] for domain, files in found.items()}
    )
    return [
        Choice(
            domain=domain,
            patient=patient_of_path(path.relative_to(folder), patient),
            image=path,
            order=path.relative_to(folder).as_posix(),
        )
        for domain, files in found.items()
        for path in files
    ]


def _read(table: Path) -> pd.DataFrame:
    kinds = {**dict.fromkeys(_TEXTS, "str"), **dict.fromkeys(_NUMBERS, "float64")}
    try:
        series = pd.read_csv(table, dtype=kinds, encoding="utf-8-sig")
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise SelectionError(f"{table}: expected the series.csv of an import, found: {error}") from error
    missing = [name for name in _NEEDED if name not in series.columns]
    if missing:
        raise SelectionError(f"{table}: expected the columns {', '.join(_NEEDED)}, found no {missing[0]!r}")
    return series


def _column(series: pd.DataFrame, name: str) -> list[str]:
    """Texts of a column, empty where it says nothing or is absent."""
    return [str(cell) for cell in series[name].fillna("")] if name in series else [""] * len(series)


def _files(folder: Path, pattern: str) -> list[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise SelectionError(f"pattern {pattern!r}: expected one that begins in {folder}, found one outside")
    return sorted(path for path in folder.glob(pattern) if path.name.endswith(SUFFIXES) and path.is_file())


def _require_matches(counts: Mapping[str, int], rules: Mapping[str, str], where: Path) -> None:
    for domain, count in counts.items():
        if not count:
            raise SelectionError(
                f"domain {domain!r}, rule {rules[domain]!r}: expected a match in {where}, found none"
            )


def _refuse_doubles(names: Mapping[str, list[str]]) -> None:
    domain_of: dict[str, str] = {}
    for domain, listed in names.items():
        doubles = [name for name in listed if name in domain_of]
        if doubles:
            shown = ", ".join(doubles[:_SHOWN]) + (
                f" and {len(doubles) - _SHOWN} more" if len(doubles) > _SHOWN else ""
            )
            raise SelectionError(
                f"domains {domain_of[doubles[0]]!r} and {domain!r}: expected each series in one domain, "
                f"found {shown} in both; make the rules narrower"
            )
        domain_of.update(dict.fromkeys(listed, domain))
