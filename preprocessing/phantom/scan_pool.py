"""Make every scan of a cohort, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from preprocessing.phantom.scanning import ScanOrder

Result = TypeVar("Result")


def for_each(
    orders: Sequence[ScanOrder],
    write: Callable[[ScanOrder, Path], Result],
    out: Path,
    *,
    workers: int,
    progress: bool,
) -> list[Result]:
    """Write every scan and return what each writing returned, in the order of the scans.

    Args:
        orders: the scans.
        write: writes one scan under a folder; known to other processes by its name.
        out: the folder.
        workers: processes; 0 works in this one.
        progress: whether to show a progress bar.
    """
    with tqdm(total=len(orders), desc="phantom", unit="scan", disable=not progress) as bar:
        if workers == 0:
            results = []
            for order in orders:
                results.append(write(order, out))
                bar.update()
            return results
        with _pool(workers) as pool:
            waiting = [pool.submit(write, order, out) for order in orders]
            for done in as_completed(waiting):
                done.result()
                bar.update()
            return [done.result() for done in waiting]


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose waiting work is dropped when one scan fails."""
    # Spawned, not forked: a fork copies locks that threads of numerical libraries may hold.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
