"""Write a cohort of digital hips as an export of DICOM studies with its truth beside."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from preprocessing.atomic import write_text_atomically
from preprocessing.phantom.description import describe_phantom
from preprocessing.phantom.dicom_junk import write_export_files
from preprocessing.phantom.dicom_scanning import write_dicom_patient
from preprocessing.phantom.dicom_study import TREE, TRUTH, SeriesRow
from preprocessing.phantom.json_file import write_json
from preprocessing.phantom.scan_pool import for_each
from preprocessing.phantom.scanning import ScanOrder

SERIES_TABLE = f"{TRUTH}/series.csv"
"""Which series shows what; it comes last: a folder that has it is whole."""


def write_dicom_cohort(
    out: Path,
    orders: Sequence[ScanOrder],
    *,
    description: Path,
    arguments: Mapping[str, Any],
    workers: int,
    progress: bool,
) -> Path:
    """Write the export and the truth of a cohort and return the path of its table of series.

    Args:
        out: folder of the cohort.
        orders: the patients.
        description: file to hold all parameters; it says that the folder is a phantom's, so it comes first.
        arguments: of `write_phantom_cohort`, for the description.
        workers: processes; 0 works in this one.
        progress: whether to show a progress bar.

    Raises:
        ValueError: if the folder holds an export of something else.
    """
    tree = out / TREE
    if tree.exists() and not description.exists():
        raise ValueError(
            f"expected a new folder or an earlier phantom, found {tree} and no {description.name}: "
            "name another folder"
        )
    (out / SERIES_TABLE).unlink(missing_ok=True)
    shutil.rmtree(tree, ignore_errors=True)
    write_json(description, describe_phantom(arguments, orders))
    rows = for_each(orders, write_dicom_patient, out, workers=workers, progress=progress)
    write_export_files(tree, *(f"{name}={value}" for name, value in arguments.items()))
    write_series_table(out / SERIES_TABLE, (row for part in rows for row in part))
    return out / SERIES_TABLE


def write_series_table(path: Path, rows: Iterable[SeriesRow]) -> None:
    """Write which series shows what.

    Args:
        path: the file.
        rows: one for each series.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(SeriesRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text_atomically(path, text.getvalue())
