"""A run that the system kills at any moment leaves whole files only; memory does not grow with the cohort."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_cohort import preparation, prepare_and_tell, prepared_bytes, write_source

from preprocessing.cohort import read_cohort
from preprocessing.landmarks import write_landmarks
from preprocessing.prepared_files import ENDING_OF_ROLE
from preprocessing.provenance import file_hash, read_provenance
from preprocessing.volume import read_volume

KILLS = 12
ADDED_MIB = 16
"""What a three times larger cohort may add to the peak; sixteen sources that stayed would add 60."""


@pytest.mark.slow
def test_killed_at_random_moments_a_run_leaves_whole_files_and_the_last_one_completes_it(tmp_path):
    source, out = write_source(tmp_path / "source"), tmp_path / "out"
    write_landmarks(source / "mr_1_landmarks.json", {"femoral_head_left": (37.5, -8.0, 30.0)})
    began = time.monotonic()
    preparation(source, output=tmp_path / "whole").run()
    lasts, draw, killed, tried = time.monotonic() - began, random.Random(3), 0, 0
    while killed < KILLS:
        tried += 1
        killed += killed_after(draw.uniform(0, lasts), source, otherwise=tried % 2 == 0)
        require_whole(out)
        assert tried < 10 * KILLS, "nearly every run ended before its moment came"
    preparation(source).run()
    assert prepared_bytes(out) == prepared_bytes(tmp_path / "whole")
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
    assert preparation(source).run().prepared == ()


def killed_after(seconds: float, source: Path, *, otherwise: bool) -> bool:
    """Prepare in a process of its own and kill it; tell whether it was at work when it was killed."""
    # Forked from a server of one thread: a fork of this process would copy locks that its threads hold.
    context = multiprocessing.get_context("forkserver")
    began = context.Event()
    child = context.Process(target=prepare_and_tell, args=(source, began), kwargs={"otherwise": otherwise})
    child.start()
    assert began.wait(60)
    time.sleep(seconds)
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


def require_whole(folder: Path) -> None:
    """Make sure that every volume can be read and every record and table speaks of what stands there."""
    for path in folder.glob("*.nii.gz"):
        read_volume(path)
    for path in folder.glob("*.json"):
        if not path.name.endswith("_landmarks.json"):
            for role, content in read_provenance(path).outputs.items():
                assert file_hash(path.with_name(path.stem + ENDING_OF_ROLE[role])) == content
    if (folder / "cohort.csv").exists():
        assert len(read_cohort(folder)) == 4


MEASURE = """
import sys
from dataclasses import replace
from pathlib import Path
from laws import GRIDS, hounsfield, volume
from small_cohort import case_of, preparation
from preprocessing.cohort import write_cohort
from preprocessing.volume import write_volume

folder, count = Path(sys.argv[1]), int(sys.argv[2])
fine = replace(GRIDS["LPS"], size=(112, 102, 88), spacing=(1.25, 1.0, 1.0))
write_volume(volume(fine, hounsfield), folder / "ct.nii.gz")
changes = {"image": folder / "ct.nii.gz", "label": None, "split": "train"}
cases = [replace(case_of(folder, f"ct_{n}"), patient=f"p{n}", **changes) for n in range(count)]
write_cohort(folder / "cohort.csv", cases)
assert len(preparation(folder).run().prepared) == count
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_memory_stays_flat_with_the_size_of_the_cohort(tmp_path):
    peak = {}
    for count in (8, 24):
        folder = tmp_path / str(count) / "source"
        folder.mkdir(parents=True)
        command = [sys.executable, "-c", MEASURE, str(folder), str(count)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        peak[count] = int(done.stdout) / 1024
    assert peak[24] - peak[8] < ADDED_MIB, peak
