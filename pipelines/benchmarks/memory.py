"""Highest resident memory of a piece of work, in a process of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

STATUS = Path("/proc/self/status")
"""Linux's account of a process. `ru_maxrss` is of no use: a child inherits the parent's through exec."""
CHILD = """
import pickle, sys
work, arguments = pickle.load(sys.stdin.buffer)
work(*arguments)
from pipelines.benchmarks.memory import highest_resident
print(highest_resident())
"""
"""The whole program of that process: what imports the work needs counts as its own."""


class MemoryUnknownError(OSError):
    """The system does not say how much memory a process has used."""


class WorkFailedError(RuntimeError):
    """What was to be measured failed; the message says why."""


def peak_above_interpreter(work: Callable[..., object], *arguments: object) -> int:
    """Bytes by which a piece of work raises the highest resident memory above that of a bare interpreter.

    Args:
        work: a function of a module, so that another process can import it.
        arguments: handed to it.

    Raises:
        MemoryUnknownError: where the system is not Linux.
        WorkFailedError: if the work raises an error.
    """
    highest_resident()
    return _peak_of(work, *arguments) - _peak_of(_nothing)


def highest_resident() -> int:
    """Bytes that this process has had in memory at most.

    Raises:
        MemoryUnknownError: where the system is not Linux.
    """
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise MemoryUnknownError(f"expected {STATUS} of Linux, found none: measure on Linux") from error
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


def _peak_of(work: Callable[..., object], *arguments: object) -> int:
    # Neither forked nor spawned: such a process begins with what this one holds, or what its program imports.
    ended = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=pickle.dumps((work, arguments)),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise WorkFailedError(f"{work.__name__}: {said[-1] if said else f'exit code {ended.returncode}'}")
    return int(ended.stdout.split()[-1])


def _nothing() -> None:
    """Do nothing: what remains is the interpreter."""
