"""The engine on Dask: workers of a scheduler that runs already, or of one started for the occasion."""

from __future__ import annotations

import logging
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import CancelledError, Client, LocalCluster, wait
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker
from distributed.system import MEMORY_LIMIT

from preprocessing.engine import EngineError, LostTaskError, ResultT, TaskT

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer."""
FIRST_WORKER_SECONDS = 60
"""How long a scheduler may be without any worker at the beginning."""
NO_WORKER_SECONDS = 600
"""How long it may be without any worker later: a queueing system may still be starting one."""
MEMORY_SHARE = 0.9
"""Share of the machine's memory that the workers divide among them."""
TASKS_PER_THREAD = 2
"""Cases handed out at a time: one at work and one waiting, so that no worker is ever idle."""

_POLL_SECONDS = 10


def shared_memory() -> int:
    """Bytes that the workers of this machine divide among them."""
    return int(MEMORY_SHARE * MEMORY_LIMIT)


class OnWorkers:
    """Engine on the workers of a Dask scheduler."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(
        self, function: Callable[[TaskT], ResultT], ready: deque[TaskT]
    ) -> Iterator[tuple[TaskT, ResultT | Exception]]:
        """Yield each task with its result, as they come.

        Args:
            function: what is done with a task; it can be pickled.
            ready: tasks to begin with; more may be appended whenever a result was yielded.

        Raises:
            EngineError: if the scheduler goes away, or no worker comes back.
        """
        try:
            yield from self._results(function, ready)
        except (CancelledError, OSError) as error:
            raise EngineError(
                "expected the scheduler to stay, found it gone; start it and run again to continue"
            ) from error

    def _results(
        self, function: Callable[[TaskT], ResultT], ready: deque[TaskT]
    ) -> Iterator[tuple[TaskT, ResultT | Exception]]:
        running: dict[Any, TaskT] = {}
        suspects: deque[TaskT] = deque()
        alone = False
        while ready or running or suspects:
            # Who was beside a task that took its worker down is suspected with it: each is tried alone.
            alone = not ready and not running
            source, room = (suspects, 1) if alone else (ready, self._room())
            while source and len(running) < room:
                task = source.popleft()
                running[self._client.submit(function, task, pure=False)] = task
            for future in self._done(running):
                task, outcome = running.pop(future), _outcome(future)
                if isinstance(outcome, LostTaskError) and not alone:
                    suspects.append(task)
                else:
                    yield task, outcome

    def _room(self) -> int:
        return max(1, TASKS_PER_THREAD * int(sum(self._client.nthreads().values())))

    def _done(self, running: dict[Any, TaskT]) -> list[Any]:
        idle = 0
        while True:
            try:
                with self._client.as_current():
                    ended = wait(list(running), timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED")
                return list(ended.done)
            except TimeoutError:
                idle = 0 if self._client.nthreads() else idle + _POLL_SECONDS
            if idle >= NO_WORKER_SECONDS:
                raise EngineError(
                    f"expected a worker, found none for {idle} s; start workers and run again to continue"
                )


def _outcome(future: Any) -> Any:
    try:
        return future.result()
    except KilledWorker:
        return LostTaskError(
            "the process that worked on it was killed every time, at last with no other case beside it; "
            "most likely memory ran out: give the workers more of it, or take fewer workers"
        )
    except (CancelledError, CommClosedError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a worker raised is the outcome of that task only
        return error


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """Give a client of a scheduler that has workers.

    Args:
        scheduler: its address.

    Raises:
        EngineError: if there is none, or it has no workers.
    """
    remedy = "start one with `dask scheduler`, or correct the address, such as tcp://host:8786"
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        found = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(
            f"scheduler {scheduler}: expected a Dask scheduler, found: {found}; {remedy}"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
        except TimeoutError as error:
            raise EngineError(
                f"scheduler {scheduler}: expected workers, found none in {FIRST_WORKER_SECONDS} s; "
                f"start some with `dask worker {scheduler}`"
            ) from error
        yield client


def require_agreement(client: Client, check: Callable[[], Any]) -> None:
    """Make sure that this process and every worker agree.

    Args:
        client: of their scheduler.
        check: what is called here and there.

    Raises:
        EngineError: naming the worker that differs.
    """
    own = check()
    try:
        others = client.run(check)
    except Exception as error:  # whatever a worker raises, it cannot be used
        found = f"{type(error).__name__}: {error}"
        raise EngineError(f"workers: expected {own} on each, found {found}; install it there") from error
    for address, found in others.items():
        if found != own:
            raise EngineError(f"worker {address}: expected {own}, found {found}; install the same there")


@contextmanager
def embedded(workers: int) -> Iterator[Client]:
    """Give a client of a scheduler in this process with workers in processes of their own.

    Args:
        workers: how many.
    """
    # A task that has taken down two workers is set apart: it will not need less memory the third time.
    settings = {"distributed.scheduler.allowed-failures": 1}
    threads = max(1, (os.cpu_count() or 1) // workers)
    with (
        tempfile.TemporaryDirectory(prefix="cyclevox-") as folder,
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            # A free port: a fixed one is taken where two preparations run on one machine.
            dashboard_address="127.0.0.1:0",
            memory_limit=shared_memory() // workers,
            local_directory=folder,
            silence_logs=logging.CRITICAL,
            env={"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads)},
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
