"""A worker that crashes or hangs loses its own item, and no other."""

import multiprocessing
import os
import subprocess
import sys
import time

import pytest
from crew_tasks import double, process_id

from preprocessing.importing.crew import Lost, work_through


def results(items, *, workers, seconds=60.0):
    return dict(work_through(double, items, workers=workers, seconds=seconds))


@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_item_is_done_once_in_this_process(count):
    found = list(work_through(double, list(range(count)), workers=0, seconds=60.0))
    assert found == [(number, 2 * number) for number in range(count)]


def test_warnings_of_libraries_go_nowhere(capfd):
    assert results([15], workers=0) == {0: 30}
    assert "UserWarning" not in capfd.readouterr().err


@pytest.mark.service
@pytest.mark.parametrize("workers", [1, 3])
def test_crashes_lose_only_themselves(workers):
    items = [1, 13, 2, 13, 3, 4, 13]
    expected = [Lost("crashed") if item == 13 else 2 * item for item in items]
    assert results(items, workers=workers) == dict(enumerate(expected))


@pytest.mark.service
def test_hang_is_ended_and_the_rest_goes_on():
    found = results([1, 14, 2, 3], workers=2, seconds=8.0)
    assert found == {0: 2, 1: Lost("timed_out"), 2: 4, 3: 6}


@pytest.mark.service
def test_nothing_that_workers_print_is_seen(capfd):
    assert results([15, 1], workers=1) == {0: 30, 1: 2}
    assert "secret" not in "".join(capfd.readouterr())


@pytest.mark.service
def test_work_is_shared_and_workers_end_with_it():
    found = set(dict(work_through(process_id, list(range(8)), workers=2, seconds=60.0)).values())
    assert len(found) == 2
    assert not [child for child in multiprocessing.active_children() if child.pid in found]


@pytest.mark.service
def test_workers_end_when_the_run_is_given_up():
    before = set(multiprocessing.active_children())
    run = work_through(process_id, list(range(8)), workers=2, seconds=60.0)
    next(run)
    run.close()
    time.sleep(0.1)
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.service
def test_script_that_starts_itself_again_is_told_so(tmp_path, repository):
    script = tmp_path / "script.py"
    script.write_text(
        "from preprocessing.importing.crew import work_through\n"
        "print(list(work_through(abs, [-1, -2], workers=2, seconds=60.0)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "if __name__ == '__main__':" in done.stderr.splitlines()[-1]
