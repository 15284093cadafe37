"""Worker processes that may crash or hang: what they were doing is lost, and nothing else."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Generic, Literal, TypeVar

import SimpleITK as sitk

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Lost:
    """No result, because the worker crashed or was stopped for taking too long.

    Args:
        reason: how it ended.
    """

    reason: Literal["crashed", "timed_out"]


class CrewError(RuntimeError):
    """Worker processes do not even start; the message says what to do."""


def work_through(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, seconds: float
) -> Iterator[tuple[int, Result | Lost]]:
    """Give the number and the result of every item, as they are done, each by a worker of its own process.

    A process pool loses all its work when one worker dies; here only that worker's item is lost.

    Args:
        function: a module's function that raises nothing; what it prints is dropped.
        items: what it is called with.
        workers: processes; 0 works in this one, without protection.
        seconds: longest time for one item, after which its worker is stopped.

    Raises:
        CrewError: if workers end before they are given anything.
    """
    if workers == 0:
        for number, item in enumerate(items):
            with _silence():
                result = function(item)
            yield number, result
        return
    crew = [_Worker(function) for _ in range(min(workers, len(items)))]
    try:
        yield from _hand_out(crew, items, seconds)
    finally:
        for worker in crew:
            worker.stop()


def _hand_out(
    crew: list[_Worker[Item, Result]], items: Sequence[Item], seconds: float
) -> Iterator[tuple[int, Result | Lost]]:
    waiting = iter(enumerate(items))
    while True:
        for worker in crew:
            if worker.number is None and (following := next(waiting, None)) is not None:
                worker.begin(*following)
        busy = [worker for worker in crew if worker.number is not None]
        if not busy:
            return
        patience = max(0.0, min(worker.started for worker in busy) + seconds - time.monotonic())
        wait([worker.connection for worker in busy], timeout=patience)
        for worker in busy:
            number, ended = worker.number, worker.end(seconds)
            if ended is not None and number is not None:
                yield number, ended[0]


class _Worker(Generic[Item, Result]):
    """One process and the item it is at."""

    def __init__(self, function: Callable[[Item], Result]) -> None:
        self.function = function
        self.number: int | None = None
        self.started = 0.0
        self.ready = False
        self.connection: Connection
        self._start()

    def begin(self, number: int, item: Item) -> None:
        """Hand over an item."""
        self.number, self.started = number, time.monotonic()
        try:
            self.connection.send(item)
        except OSError:
            # It died while it had nothing to do: the next one gets the item.
            self.stop()
            self._start()
            self.connection.send(item)

    def end(self, seconds: float) -> tuple[Result | Lost] | None:
        """Give the result if there is one by now, or the loss; None while it works."""
        lost: Lost | None = None
        try:
            if self.connection.poll() and not self.ready:
                self.connection.recv()
                self.ready, self.started = True, time.monotonic()
                return None
            if self.connection.poll():
                result: Result = self.connection.recv()
                self.number = None
                return (result,)
        except (EOFError, OSError):
            lost = Lost("crashed")
        if lost is None and time.monotonic() - self.started >= seconds:
            lost = Lost("timed_out")
        if lost is None:
            return None
        if not self.ready:
            raise CrewError(
                "expected worker processes to start, found that they end at once: if a script calls this, "
                "let it do its work under `if __name__ == '__main__':`, or ask for 0 workers"
            )
        self.stop()
        self._start()
        self.number = None
        return (lost,)

    def stop(self) -> None:
        """End the process, whatever it is at."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        self.process.close()

    def _start(self) -> None:
        self.ready = False
        self.connection, theirs = _context().Pipe()
        self.process = _context().Process(target=_serve, args=(self.function, theirs), daemon=True)
        self.process.start()
        theirs.close()


def _context() -> multiprocessing.context.ForkServerContext:
    # Forked from a small server that has the libraries loaded: not from this process, whose threads may hold
    # locks, and not spawned, which would load them again for every worker.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["preprocessing.importing.headers", "preprocessing.importing.conversion"])
    return context


def _serve(function: Callable[[Item], Result], connection: Connection) -> None:
    # Decoders print paths and contents of headers, which must appear in no log.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with _silence():
        connection.send("ready")
        while True:
            try:
                item = connection.recv()
            except EOFError:
                return
            connection.send(function(item))


@contextmanager
def _silence() -> Iterator[None]:
    """Drop warnings and logs of libraries: they quote what stands in headers."""
    logs, messages = logging.root.manager.disable, sitk.ProcessObject.GetGlobalWarningDisplay()
    logging.disable(logging.CRITICAL)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # noqa: FBT003 - the only way to call it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logs)
        sitk.ProcessObject.SetGlobalWarningDisplay(messages)
