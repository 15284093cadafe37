"""Processes and clusters give what one process gives, and lose nothing when one of them is killed."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from laws import GRIDS, hounsfield, marker, volume
from small_cohort import STEPS, DeadlyForMetal, Slow, preparation, prepared_bytes, write_many, write_source

from preprocessing import dask_engine
from preprocessing.case_preparation import CaseResult, CaseTask, prepare_case
from preprocessing.cohort import read_cohort
from preprocessing.engine import EngineError, in_process
from preprocessing.engine_choice import open_engine, sensible_workers
from preprocessing.pair_order import visible
from preprocessing.provenance import decisive_versions
from preprocessing.volume import write_volume

PATIENCE_SECONDS = 60
"""How long another process may take to do what it will do for certain."""


def until(happens):
    """Wait for something in another process."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def begun(log: Path) -> list[int]:
    """Processes in which a case was begun, in order."""
    return [int(word) for word in log.read_text().split()] if log.exists() else []


def environment() -> dict[str, str]:
    """Environment in which another process finds what this one has found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def start(stack: ExitStack, *arguments: str | Path) -> subprocess.Popen:
    command = [sys.executable, *map(str, arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment(), **quiet)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


@contextmanager
def cluster(folder: Path, *, workers: int):
    """A scheduler and workers without nannies, each a process of its own; their address and processes."""
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        places = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
        scheduler = start(stack, "-m", "distributed.cli.dask_scheduler", *places)
        until(file.exists)
        options = ("--scheduler-file", file, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        command = ("-m", "distributed.cli.dask_worker", *options, "--local-directory", folder)
        started = [start(stack, *command) for _ in range(workers)]
        until(lambda: "address" in file.read_text())
        yield file.read_text().split('"address": "')[1].split('"')[0], scheduler, started


@contextmanager
def killed(victim: subprocess.Popen, *, when):
    """Kill a process as soon as something has happened while the block runs."""

    def watch() -> None:
        until(when)
        victim.kill()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(watch)
        yield
        done.result()
    assert victim.wait() == -signal.SIGKILL


def test_in_process_tasks_may_make_others_ready():
    ready = deque([3])
    seen = []
    for task, outcome in in_process(lambda task: task * 10, ready):
        seen.append((task, outcome))
        if task:
            ready.append(task - 1)
    assert seen == [(3, 30), (2, 20), (1, 10), (0, 0)]


def test_what_a_worker_wrote_out_of_sight_is_a_failure(tmp_path):
    case = read_cohort(write_many(tmp_path / "source", 1))["ct_0"]
    task = CaseTask(case=case, steps=(), output=tmp_path / "out")
    told = CaseResult(case="ct_0", state="prepared")
    result = visible(task, told, until=time.monotonic())
    assert result.state == "failed"
    assert "expected ct_0.json" in result.message
    assert "that this machine and every worker see" in result.message
    prepare_case(task)
    assert visible(task, told, until=time.monotonic()) == told


def test_workers_are_never_more_than_tasks_or_cores():
    assert sensible_workers(1) == 1
    assert 1 <= sensible_workers(10_000) <= (os.cpu_count() or 1)


def test_a_small_cohort_is_prepared_without_starting_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "embedded", None)
    report = preparation(write_source(tmp_path / "source"), workers=None).run()
    assert len(report.prepared) == 4


def test_what_a_worker_has_to_import_is_little(repository):
    """Neither torch nor monai, nor what draws figures: a worker is there at once."""
    heavy = {"torch", "monai", "ignite", "matplotlib", "pandas", "itk", "distributed"}
    order = f"import sys, preprocessing.preparation; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", order], cwd=repository, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_no_scheduler_at_an_address_is_said_in_seconds_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "CONNECT_SECONDS", 1)
    source = write_source(tmp_path / "source")
    for address in ("tcp://127.0.0.1:9", "nonsense://here"):
        with pytest.raises(EngineError, match=f"scheduler {address}: expected a Dask"):
            preparation(source, scheduler=address).run()
    assert not (tmp_path / "out").exists()


@pytest.mark.service
def test_processes_of_its_own_give_the_same_bytes(tmp_path):
    source = write_source(tmp_path / "source")
    preparation(source, output=tmp_path / "here").run()
    report = preparation(source, workers=2).run()
    assert report.prepared == ("mr_1", "ct_1", "mr_2", "ct_2")
    assert prepared_bytes(tmp_path / "out") == prepared_bytes(tmp_path / "here")
    assert preparation(source, workers=2).run().unchanged == ("mr_1", "ct_1", "mr_2", "ct_2")
    assert not (tmp_path / "out" / ".partial").exists()


@pytest.mark.service
def test_two_preparations_on_one_machine_do_not_fight_for_a_port():
    # Dask warns where a port is taken, and warnings are errors here.
    with dask_engine.embedded(1) as one, dask_engine.embedded(1) as other:
        assert one.submit(sum, [1, 2]).result() == other.submit(sum, [3]).result() == 3


@pytest.mark.service
def test_a_worker_killed_in_the_middle_of_a_case_loses_nothing(tmp_path):
    source, log = write_many(tmp_path / "source", 8), tmp_path / "log"
    steps = {**STEPS, "ct": [Slow(seconds=0.4, log=str(log)), *STEPS["ct"]]}
    preparation(source, output=tmp_path / "here").run()
    with cluster(tmp_path, workers=2) as (address, _, workers):
        with killed(workers[0], when=lambda: begun(log).count(workers[0].pid) == 2):
            report = preparation(source, steps=steps, scheduler=address).run()
        assert workers[1].poll() is None
    assert len(report.prepared) == 8
    assert len(begun(log)) > 8, "the case in which the worker was killed was begun a second time"
    assert set(begun(log)) == {worker.pid for worker in workers}
    assert prepared_bytes(tmp_path / "out") == prepared_bytes(tmp_path / "here")
    assert len(read_cohort(tmp_path / "out")) == 8


@pytest.mark.service
def test_a_case_that_kills_its_worker_every_time_fails_alone_and_by_name(tmp_path):
    source = write_many(tmp_path / "source", 5)
    metal = volume(GRIDS["LPS"], lambda where: hounsfield(where) + 30 * marker(where))
    write_volume(metal, source / "ct_2.nii.gz")
    steps = {**STEPS, "ct": [DeadlyForMetal(), *STEPS["ct"]]}
    report = preparation(source, steps=steps, workers=2).run()
    assert report.prepared == ("ct_0", "ct_1", "ct_3", "ct_4")
    ((name, message),) = report.failed
    assert name == "ct_2"
    assert str(source / "ct_2.nii.gz") in message
    assert "was killed every time" in message
    assert "memory" in message


@pytest.mark.service
def test_a_scheduler_that_goes_away_is_an_error_and_the_next_run_goes_on(tmp_path):
    source, log = write_many(tmp_path / "source", 6), tmp_path / "log"
    steps = {**STEPS, "ct": [Slow(seconds=0.4, log=str(log)), *STEPS["ct"]]}
    with cluster(tmp_path, workers=1) as (address, scheduler, _):
        first = tmp_path / "out" / "ct_0.json"
        with (
            pytest.raises(EngineError, match="expected the scheduler to stay, found it gone"),
            killed(scheduler, when=first.exists),
        ):
            preparation(source, steps=steps, scheduler=address).run()
    assert not (tmp_path / "out" / "cohort.csv").exists()
    report = preparation(source, steps=steps).run()
    assert "ct_0" in report.unchanged
    assert len(report.unchanged) + len(report.prepared) == 6


@pytest.mark.service
def test_workers_without_our_versions_and_schedulers_without_workers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "FIRST_WORKER_SECONDS", 1)
    source = write_source(tmp_path / "source")
    with (
        cluster(tmp_path, workers=0) as (address, _, _),
        pytest.raises(EngineError, match=f"expected workers, found none in 1 s; start some .*{address}"),
    ):
        preparation(source, scheduler=address).run()
    (tmp_path / "two").mkdir()
    with cluster(tmp_path / "two", workers=1) as (address, _, _):
        monkeypatch.setattr(dask_engine, "FIRST_WORKER_SECONDS", PATIENCE_SECONDS)
        with open_engine(workers=0, scheduler=address, check=decisive_versions):
            pass
        with (
            pytest.raises(EngineError, match=r"worker tcp://.*: expected \d+, found \d+; install the same"),
            open_engine(workers=0, scheduler=address, check=os.getpid),
        ):
            pass


@pytest.mark.service
def test_workers_do_not_outlive_a_run_that_was_killed(tmp_path):
    source, log = write_many(tmp_path / "source", 6), tmp_path / "log"
    order = f"""
from pathlib import Path
from small_cohort import STEPS, Slow, preparation
if __name__ == "__main__":
    steps = {{**STEPS, "ct": [Slow(seconds=0.5, log={str(log)!r}), *STEPS["ct"]]}}
    preparation(Path({str(source)!r}), steps=steps, workers=2).run()
"""
    script = tmp_path / "script.py"
    script.write_text(order)
    with ExitStack() as stack:
        run = start(stack, script)
        until(log.exists)
        family = psutil.Process(run.pid).children(recursive=True)
        run.kill()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    assert family
    assert alive == []
    assert len(preparation(source).run().prepared) == 6
