"""Where the cases of a cohort are worked on: in this process, in processes of its own, or on a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

LEAST_BYTES = 2 << 30
"""Memory that every worker gets at least; with less of it there are fewer workers."""
MEMORY_SHARE = 0.9
"""Share of the machine's memory that the workers divide among them."""

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class EngineError(ValueError):
    """There is nowhere to work; the message says what was wanted, what was found, and what to do."""


class LostTaskError(RuntimeError):
    """A task took down the process it ran in every time, at last with nothing beside it."""


@runtime_checkable
class Engine(Protocol):
    """Calls a function for tasks, some of which become ready only while others are worked on."""

    def __call__(
        self, function: Callable[[TaskT], ResultT], ready: deque[TaskT]
    ) -> Iterator[tuple[TaskT, ResultT | Exception]]:
        """Yield each task with its result, as they come, until none is ready and none is at work.

        Args:
            function: what is done with a task; it can be pickled.
            ready: tasks to begin with; more may be appended whenever a result was yielded.
        """
        ...


def in_process(
    function: Callable[[TaskT], ResultT], ready: deque[TaskT]
) -> Iterator[tuple[TaskT, ResultT | Exception]]:
    """Work on one task after the other, here.

    Args:
        function: what is done with a task.
        ready: tasks to begin with; more may be appended whenever a result was yielded.
    """
    while ready:
        task = ready.popleft()
        yield task, function(task)


@contextmanager
def open_engine(*, workers: int, scheduler: str | None, check: Callable[[], Any]) -> Iterator[Engine]:
    """Give an engine, and end what it started afterwards.

    Args:
        workers: processes on this machine; 0 works in this process.
        scheduler: address of a Dask scheduler whose workers are used instead.
        check: called here and on every worker there is; they must agree, or the results would differ.

    Raises:
        EngineError: if the scheduler or its workers cannot be used.
    """
    if scheduler is None and workers == 0:
        yield in_process
        return
    # Here, not above: importing Dask takes as long as preparing a small case.
    from preprocessing import dask_engine

    with ExitStack() as stack:
        if scheduler is not None:
            client = stack.enter_context(dask_engine.connected(scheduler))
            dask_engine.require_agreement(client, check)
        else:
            client = stack.enter_context(dask_engine.embedded(workers))
        yield dask_engine.OnWorkers(client)


def sensible_workers(tasks: int) -> int:
    """Return the number of processes that this machine carries: one for each core, if memory allows.

    Args:
        tasks: how many there are to do.
    """
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    carried = int(MEMORY_SHARE * MEMORY_LIMIT) // LEAST_BYTES
    return max(1, min(tasks, int(CPU_COUNT), carried))
