"""One line of a benchmark: ours and a baseline, measured in turn on the same machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a benchmark found; a value that was not asked for is None.

    Args:
        name: what was measured, and against what.
        seconds: median of ours.
        baseline_seconds: median of the baseline.
        peak_bytes: highest resident memory of ours above a bare interpreter.
        baseline_peak_bytes: the same of the baseline, or the size that the target is stated in.
        agreement: how close both results are, in words with a number.
        repeats: how often each side ran.
        target: what the project has set itself.
    """

    name: str
    seconds: float | None = None
    baseline_seconds: float | None = None
    peak_bytes: int | None = None
    baseline_peak_bytes: int | None = None
    agreement: str = ""
    repeats: int = 1
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the baseline is slower than ours."""
        if self.seconds is None or self.baseline_seconds is None:
            return None
        return self.baseline_seconds / self.seconds

    def to_dict(self) -> dict[str, object]:
        """Fields as JSON values, with the ratio."""
        return {**asdict(self), "ratio": self.ratio}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Measurement:
        """Measurement of the fields that `to_dict` gave.

        Args:
            told: JSON values by field; others are passed over.
        """
        return cls(**{entry.name: told[entry.name] for entry in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Medians in seconds of two sides that took turns.

    Args:
        seconds: of ours.
        baseline_seconds: of the baseline.
        repeats: runs of each.
    """

    seconds: float
    baseline_seconds: float
    repeats: int


def take_turns(
    ours: Callable[[], object], baseline: Callable[[], object], *, repeats: int, warm_ups: int = 1
) -> Timing:
    """Time two functions in turn, so that a busy moment of the machine strikes both.

    Args:
        ours: run without arguments; what it returns is dropped, but for a float (see `seconds_of`).
        baseline: likewise.
        repeats: runs of each that count.
        warm_ups: runs of each that come first and do not count.
    """
    times = [(seconds_of(ours), seconds_of(baseline)) for _ in range(warm_ups + repeats)]
    counted = times[warm_ups:]
    return Timing(
        seconds=statistics.median(mine for mine, _ in counted),
        baseline_seconds=statistics.median(theirs for _, theirs in counted),
        repeats=repeats,
    )


def seconds_of(work: Callable[[], object]) -> float:
    """Wall seconds of one run, or what the run itself returns as its seconds.

    Args:
        work: run without arguments. One that starts a program returns that program's own seconds as a float,
            so that start-up does not count.
    """
    start = time.perf_counter()
    told = work()
    return told if isinstance(told, float) else time.perf_counter() - start


def machine() -> str:
    """Processor, usable cores, system and Python of this machine, in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
