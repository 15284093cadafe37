"""The page's tables are those of the code, and its picture can be drawn."""

import os
import subprocess
import sys

import pytest


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


@pytest.mark.slow
def test_full_size_mr_takes_under_five_seconds_on_one_core():
    program = """
import time
import numpy as np
from preprocessing.phantom import *
start = time.process_time()
anatomy = HipAnatomy(typical_patient(1))
grid = scan_grid(anatomy, size=256)
sample, model = sample_anatomy(anatomy, grid), draw_tissues(anatomy.patient)
truth = mr_truth(sample, make_texture(sample, model), model, SpoiledGradientEcho())
assert acquire_mr(truth, grid, np.random.default_rng(0)).image.shape == (38, 256, 256)
print(time.process_time() - start)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5
