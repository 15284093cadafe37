"""Write the page of the preprocessing's benchmark from what the command printed.

Run `cyclevox benchmark preprocess --json > benchmark.json`, then this with `benchmark.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.benchmarks.measurement import Measurement
from pipelines.benchmarks.report import as_markdown

PAGE_FILE = Path(__file__).resolve().parents[1] / "results" / "benchmark_preprocess.md"

PAGE = """# Speed and memory of the preprocessing

Each line is measured in one run on one machine, ours and the baseline in turn, start-up left out. Times are
medians of as many runs as the last column says.

{table}

Imports
: an uncompressed axial CT from DICOM to NIfTI, after one run of each that does not count. The time of
  dcm2niix is the one that it tells itself ("Conversion required"); SimpleITK reads by its
  `ImageSeriesReader`. With compression both write gzip, dcm2niix at its fastest level.

N4
: a phantom MR of a seed on which no setting was chosen, with the same iterations, control points and
  threshold. What is left is the RMS of the difference of log fields inside the body, their means removed, as
  a share of the true field's.

Memory
: the highest resident memory of a process that does nothing else, less that of a bare interpreter: imported
  libraries count. Scans of a digital hip are prepared by the `hip` recipe, which finds the femoral heads.

Cases
: read, prepared as the bundle does by default, compressed, written and recorded; half of them MR, half CT.

Made by `cyclevox benchmark preprocess --json` and `docs/scripts/benchmark_page.py`, revision {revision}, on
{machine}, at a load of {load} at the start{note}.
"""


def page(rows: Sequence[Mapping[str, Any]], *, note: str = "") -> str:
    """Return the page of a benchmark's rows."""
    about = {name: rows[0][name] for name in ("revision", "machine", "load")}
    table = as_markdown([Measurement.from_dict(row) for row in rows])
    return PAGE.format(table=table, note=f" ({note})" if note else "", **about)


def main() -> None:
    """Write docs/results/benchmark_preprocess.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, help="what `cyclevox benchmark preprocess --json` printed")
    parser.add_argument("--out", type=Path, default=PAGE_FILE, help="page to write")
    parser.add_argument("--note", default="", help="what else a reader should know of the run")
    arguments = parser.parse_args()
    arguments.out.write_text(page(json.loads(arguments.rows.read_text()), note=arguments.note))


if __name__ == "__main__":
    main()
