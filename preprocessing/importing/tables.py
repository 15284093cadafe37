"""The two tables of an import: the series that became volumes, and what was refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocessing.atomic import write_text_atomically

SERIES_TABLE = "series.csv"
REJECTED_TABLE = "rejected.csv"
SERIES_COLUMNS = (
    *("patient", "study", "series", "image", "format", "modality", "description", "body_part", "plane"),
    *("columns", "rows", "slices", "spacing_x", "spacing_y", "spacing_z", "extent_x", "extent_y", "extent_z"),
    *("scanning_sequence", "sequence_name", "tr_ms", "te_ms", "ti_ms", "flip_angle_deg", "field_t"),
    *("kernel", "manufacturer", "model", "contrast", "frame_of_reference", "files", "warnings", "repaired"),
)
"""Columns of series.csv; counts, spacings and extents are those of the written volume, in voxels and mm."""
REJECTED_COLUMNS = ("source", "patient", "files", "image", "reason", "message")

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A series, or files of one folder, that became no volume.

    Args:
        source: hash of the series, or of the folder of the files.
        patient: pseudonym, or empty where the patient is unknown.
        files: how many files.
        image: whether they should have held an image: objects that never do are listed, but are no failure.
        reason: short fixed code.
        message: what was expected, what was found, what to do; without identity.
    """

    source: str
    patient: str = ""
    files: int
    image: bool
    reason: str
    message: str

    @property
    def row(self) -> Row:
        """Row of the table."""
        return {
            "source": self.source,
            "patient": self.patient,
            "files": str(self.files),
            "image": "yes" if self.image else "no",
            "reason": self.reason,
            "message": self.message,
        }


def write_tables(output: Path, series: Iterable[Row], rejected: Iterable[Rejected]) -> None:
    """Write both tables, each whole or not at all, and neither if it stands as it is.

    Args:
        output: folder of the import.
        series: rows of the imported series.
        rejected: everything else.
    """
    rows = sorted(series, key=lambda row: (row["patient"], row["study"], row["series"]))
    _write(output / SERIES_TABLE, SERIES_COLUMNS, rows)
    refused = [item.row for item in rejected]
    _write(
        output / REJECTED_TABLE,
        REJECTED_COLUMNS,
        sorted(refused, key=lambda row: [row[name] for name in REJECTED_COLUMNS]),
    )


def is_series_table(path: Path) -> bool:
    """Whether a file is a table of series, as far as its first line tells.

    Args:
        path: an existing file.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        return set(SERIES_COLUMNS[:4]) <= set(stream.readline().strip().split(","))


def _write(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if not (path.is_file() and path.read_bytes() == stream.getvalue().encode()):
        write_text_atomically(path, stream.getvalue())
