"""Memory is counted above that of an interpreter that does nothing, whatever this process holds."""

import operator
from pathlib import Path

import numpy as np
import pytest

from pipelines.benchmarks import memory
from pipelines.benchmarks.memory import MemoryUnknownError, WorkFailedError, peak_above_interpreter

MEBIBYTE = 1 << 20
SLACK = 4 * MEBIBYTE
"""What two runs of one interpreter differ by at most."""


@pytest.mark.parametrize("taken", [0, 64 * MEBIBYTE, 256 * MEBIBYTE])
def test_the_peak_is_what_the_work_took(taken):
    assert abs(peak_above_interpreter(operator.mul, b"x", taken) - taken) <= SLACK


def test_what_this_process_holds_does_not_count():
    held = np.ones(512 * MEBIBYTE // 8)
    assert peak_above_interpreter(operator.mul, b"x", MEBIBYTE) <= SLACK
    assert held[-1] == 1


def test_work_that_fails_measures_nothing():
    with pytest.raises(WorkFailedError, match="int: ValueError: invalid literal"):
        peak_above_interpreter(int, "many")


def test_a_system_that_does_not_tell_is_named(monkeypatch):
    monkeypatch.setattr(memory, "STATUS", Path("/nowhere/status"))
    with pytest.raises(MemoryUnknownError, match="measure on Linux"):
        peak_above_interpreter(operator.mul, b"x", 1)
