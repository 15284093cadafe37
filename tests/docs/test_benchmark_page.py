"""The page of the benchmark is the command's own numbers, with the machine and the revision they are from."""

import json
import runpy
import sys

from pipelines.benchmarks.measurement import Measurement
from pipelines.benchmarks.report import as_markdown

ROWS = [
    Measurement(name="import a, against b", seconds=0.05, baseline_seconds=0.1, agreement="equal", repeats=7),
    Measurement(name="memory", peak_bytes=3 << 20, baseline_peak_bytes=1 << 20, target="under 6 times"),
]


def test_the_page_holds_the_table_and_says_where_it_is_from(repository, tmp_path, monkeypatch):
    about = {"machine": "a machine, 2 cores", "revision": "abc123", "load": 1.5}
    told = tmp_path / "rows.json"
    told.write_text(json.dumps([{**row.to_dict(), **about} for row in ROWS]))
    script = repository / "docs" / "scripts" / "benchmark_page.py"
    monkeypatch.setattr(
        sys, "argv", [str(script), str(told), "--out", str(tmp_path / "page.md"), "--note", "others at work"]
    )
    runpy.run_path(str(script), run_name="__main__")
    page = (tmp_path / "page.md").read_text()
    assert as_markdown(ROWS) in page
    assert "revision abc123, on\na machine, 2 cores, at a load of 1.5 at the start (others at work)." in page
    assert "`cyclevox benchmark preprocess --json`" in page
