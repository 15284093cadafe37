"""The benchmark prints a list of results, each with its baseline, and no target is a matter of opinion."""

import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pipelines.commands.app import app

FIELDS = {
    "name", "seconds", "baseline_seconds", "ratio", "peak_bytes", "baseline_peak_bytes", "agreement",
    "repeats", "target", "machine", "revision", "load",
}  # fmt: skip
BEGINNINGS = ["import "] * 3 + ["N4, "] + ["memory to "] * 3 + ["prepare "]


def test_an_unknown_benchmark_is_refused_by_name():
    result = CliRunner().invoke(app, ["benchmark", "network", "--json"])
    assert result.exit_code == 2
    assert "expected a benchmark of preprocess, found 'network'" in result.output


def test_a_folder_that_is_there_is_not_worked_in(tmp_path):
    result = CliRunner().invoke(app, ["benchmark", "preprocess", "--work", str(tmp_path)])
    assert result.exit_code == 2
    assert f"expected a new folder to work in, found {tmp_path}" in result.output


@pytest.fixture(scope="module")
def rows(repository):
    """What the command prints; a program of its own, as it starts others that import its main module."""
    command = "import cyclevox; cyclevox.main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "benchmark", "preprocess", "--quick", "--json"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.service
@pytest.mark.timeout(600)
def test_every_line_says_what_was_measured_against_what_and_how_close_both_are(rows):
    for row, beginning in zip(rows, BEGINNINGS, strict=True):
        assert row["name"].startswith(beginning)
        assert set(row) == FIELDS
        assert row["agreement"]
        assert " against " in row["name"]
        assert row["target"] or "SimpleITK" in row["name"]
        times, sizes = (
            (row["seconds"], row["baseline_seconds"]),
            (row["peak_bytes"], row["baseline_peak_bytes"]),
        )
        if times == (None, None):
            assert row["ratio"] is None
            assert min(sizes) > 0
        else:
            assert row["ratio"] == pytest.approx(row["baseline_seconds"] / row["seconds"])
            assert sizes == (None, None)
    assert re.search(r"(\d+) of \1 files the same to the byte", rows[-1]["agreement"])
