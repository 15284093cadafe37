"""Which engine is used: what the caller asks for, within what the machine carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from preprocessing.engine import Engine, in_process

LEAST_BYTES = 2 << 30
"""Memory that every worker gets at least; with less of it there are fewer workers."""


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

    from preprocessing.dask_engine import shared_memory

    carried = shared_memory() // LEAST_BYTES
    return max(1, min(tasks, int(CPU_COUNT), carried))
