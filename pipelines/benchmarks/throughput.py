"""Cases per minute that a cohort is prepared at, by one worker process and by two."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.benchmarks.measurement import Measurement
from pipelines.benchmarks.one_case import prepare_or_raise
from pipelines.benchmarks.shipped_steps import shipped_steps
from preprocessing.case_preparation import CaseTask
from preprocessing.cohort import read_cohort
from preprocessing.dask_engine import OnWorkers, embedded
from preprocessing.phantom.cohort import write_phantom_cohort

SEED = 79
"""Of no cohort on which settings were chosen."""
WORKERS = 2


def measure_throughput(work: Path, *, patients: int, size: int) -> Measurement:
    """Time the preparation of a cohort by two workers and by one; starting them does not count.

    Args:
        work: folder for the cohort and what is made of it.
        patients: with an MR, and as many with a CT.
        size: pixels along a side of an MR slice.
    """
    table = write_phantom_cohort(
        work / "cohort", mr=patients, ct=patients, pairs=0, seed=SEED, size=size, progress=False
    )
    cohort = read_cohort(table)
    steps = shipped_steps()
    tasks = [CaseTask(case=case, steps=steps[case.domain], output=work) for case in cohort]
    one, two = (_seconds(tasks, work / f"by_{workers}", workers=workers) for workers in (1, WORKERS))
    return Measurement(
        name=f"prepare {len(tasks)} phantom cases of {size} x {size} pixels, seconds a case, "
        f"{WORKERS} workers against 1",
        seconds=two / len(tasks),
        baseline_seconds=one / len(tasks),
        agreement=f"{_per_minute(two, tasks)} cases a minute against {_per_minute(one, tasks)}; "
        f"{_compared(work / 'by_1', work / f'by_{WORKERS}')}",
        target=f"towards {WORKERS} times, with as many free cores",
    )


def _seconds(tasks: Sequence[CaseTask], output: Path, *, workers: int) -> float:
    output.mkdir(parents=True)
    ready = deque(replace(task, output=output) for task in tasks)
    with embedded(workers) as client:
        client.wait_for_workers(workers)
        # The first case of a worker imports what all need.
        client.run(_warm_up, replace(tasks[0], output=output / "warm_up"))
        start = time.perf_counter()
        for _, outcome in OnWorkers(client)(prepare_or_raise, ready):
            if isinstance(outcome, Exception):
                raise outcome
        return time.perf_counter() - start


def _warm_up(task: CaseTask) -> None:
    # Workers share the folder: each has a place of its own.
    import os

    prepare_or_raise(replace(task, output=task.output / str(os.getpid())))


def _per_minute(seconds: float, tasks: Sequence[CaseTask]) -> str:
    return f"{60 * len(tasks) / seconds:.1f}"


def _compared(one: Path, other: Path) -> str:
    volumes = sorted(path.name for path in one.glob("*.nii.gz"))
    same = sum((one / name).read_bytes() == (other / name).read_bytes() for name in volumes)
    return f"{same} of {len(volumes)} files the same to the byte"
