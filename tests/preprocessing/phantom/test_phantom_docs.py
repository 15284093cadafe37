"""The page's tables are those of the code, and its picture can be drawn."""

import os
import subprocess
import sys


def run(repository, script, *arguments):
    command = [sys.executable, str(repository / "docs" / "scripts" / script), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(repository), "MPLBACKEND": "Agg"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_tables_of_the_page_are_those_of_the_code(repository):
    done = run(repository, "phantom_tables.py", "--check")
    assert done.returncode == 0, f"run docs/scripts/phantom_tables.py {done.stderr}"


def test_picture_is_drawn_at_a_toy_size(repository, tmp_path):
    done = run(repository, "phantom_figure.py", "--out", str(tmp_path / "p.png"), "--size", "24")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert (repository / "docs" / "images" / "phantom.png").stat().st_size < 300_000
