"""The table of measured numbers, one row each, and its summary over patients."""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evaluation.statistics import summarise
from preprocessing.atomic import write_text_atomically, written_beside

COLUMNS = ("case", "structure", "metric", "value", "unit", "region", "conventions")

Status = Literal["measured", "not applicable", "failure"]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number about one case.

    Args:
        case: name of the predicted case.
        structure: label, tissue, or "all".
        metric: name of the metric.
        value: the number; NaN where undefined.
        unit: "level" (0..255), "HU", "dB", "mm", "mL", "nat" or "1".
        region: voxels that counted, such as "body&coverage".
        conventions: window, plane and other choices that decide the number.
        status: "failure" is a structure that only one of both has; "not applicable" has no say in the mean.
    """

    case: str
    structure: str = "all"
    metric: str
    value: float
    unit: str
    region: str
    conventions: str
    status: Status = "measured"


def write_metrics(path: Path, measurements: Iterable[Measurement]) -> None:
    """Write the table as CSV, whole or not at all; an undefined value is left empty and explained.

    Args:
        path: the .csv file; its folder is made if missing.
        measurements: its rows.
    """
    with written_beside(path) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(measurement) for measurement in measurements)


def write_summary(path: Path, summary: Mapping[str, object]) -> None:
    """Write a summary as JSON, whole or not at all.

    Args:
        path: the .json file; its folder is made if missing.
        summary: JSON values.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
    """
    write_text_atomically(path, json.dumps(summary, indent=2, allow_nan=False) + "\n")


def summarise_metrics(
    measurements: Sequence[Measurement], *, patients: Mapping[str, str]
) -> list[dict[str, object]]:
    """Return mean, SD, median and interval over patients for each metric, structure and region.

    Several cases of one patient are averaged first. Undefined values are counted beside the mean; what
    too few patients leave undefined is None.

    Args:
        measurements: rows of the table.
        patients: patient of each case.
    """
    groups: dict[tuple[str, str, str, str], list[Measurement]] = defaultdict(list)
    for row in measurements:
        groups[row.metric, row.structure, row.region, row.unit].append(row)
    return [_summary(key, rows, patients) for key, rows in groups.items()]


def _summary(
    key: tuple[str, str, str, str], rows: Sequence[Measurement], patients: Mapping[str, str]
) -> dict[str, object]:
    by_patient: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if math.isfinite(row.value):
            by_patient[patients[row.case]].append(row.value)
    over = summarise([sum(values) / len(values) for values in by_patient.values()])
    return {
        **dict(zip(("metric", "structure", "region", "unit"), key, strict=True)),
        "patients": over.n,
        "mean": _finite(over.mean),
        "sd": _finite(over.sd),
        "median": _finite(over.median),
        "interval": [_finite(end) for end in over.interval],
        "undefined": sum(not math.isfinite(row.value) for row in rows),
        "not_applicable": sum(row.status == "not applicable" for row in rows),
        "failures": sum(row.status == "failure" for row in rows),
    }


def _row(measurement: Measurement) -> dict[str, str]:
    row = {name: str(getattr(measurement, name)) for name in COLUMNS}
    row["value"] = "" if math.isnan(measurement.value) else repr(float(measurement.value))
    if measurement.status != "measured":
        row["conventions"] = f"{measurement.status}; {measurement.conventions}"
    return row


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
