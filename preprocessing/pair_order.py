"""The cases of a cohort, each partner after the case onto whose grid it is brought."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from preprocessing.case_preparation import CaseResult, CaseTask, failure, prepare_case
from preprocessing.engine import Engine, LostTaskError

VISIBLE_SECONDS = 60
"""How long a file that another machine has written may take to be seen from here."""


def prepare_all(
    tasks: Sequence[CaseTask], engine: Engine, *, told: Callable[[], object]
) -> dict[str, CaseResult]:
    """Do every task and return what became of each case, by name.

    Args:
        tasks: of all cases.
        engine: where the work is done.
        told: called after every case.
    """
    waiting: dict[str, list[CaseTask]] = defaultdict(list)
    for task in tasks:
        if task.fixed is not None:
            waiting[task.fixed].append(task)
    ready = deque(task for task in tasks if task.fixed is None)
    before = {task.case.case: _stamp(task) for task in tasks}
    results: dict[str, CaseResult] = {}
    for task, outcome in engine(prepare_case, ready):
        result = results[task.case.case] = _result(task, outcome, before[task.case.case])
        told()
        for follower in waiting.pop(task.case.case, ()):
            if result.state != "failed":
                ready.append(follower)
                continue
            name = follower.case.case
            message = f"case {name}: its partner {follower.fixed} could not be prepared; mend that case first"
            results[name] = CaseResult(case=name, state="failed", message=message)
            told()
    return results


def visible(task: CaseTask, result: CaseResult, *, until: float) -> CaseResult:
    """Result of a case whose files can be seen from here, else a failure.

    Args:
        task: of the case.
        result: what its worker said.
        until: how long to wait, in seconds of `time.monotonic`: network file systems are slow to tell.
    """
    while result.state != "failed" and not task.files.record.exists():
        if time.monotonic() > until:
            found = f"expected {task.files.record.name} in {task.output}, found none after a worker wrote it"
            return failure(task.case, f"{found}; name a folder that this machine and every worker see")
        time.sleep(1)
    return result


def _result(task: CaseTask, outcome: CaseResult | Exception, before: int | None) -> CaseResult:
    if isinstance(outcome, LostTaskError):
        return failure(task.case, str(outcome))
    if isinstance(outcome, Exception):
        return failure(task.case, f"{type(outcome).__name__}: {outcome}")
    if outcome.state == "unchanged" and _stamp(task) != before:
        # A worker wrote it, was lost before it could say so, and the next one found it done.
        return replace(outcome, state="prepared")
    return outcome


def _stamp(task: CaseTask) -> int | None:
    """When the record was written, in nanoseconds; None if there is none."""
    try:
        return task.files.record.stat().st_mtime_ns
    except FileNotFoundError:
        return None
