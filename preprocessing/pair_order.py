"""The cases of a cohort, each partner after the case onto whose grid it is brought."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from preprocessing.case_preparation import CaseResult, CaseTask, failure, prepare_case
from preprocessing.engine import Engine, LostTaskError


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
    results: dict[str, CaseResult] = {}
    for task, outcome in engine(prepare_case, ready):
        result = results[task.case.case] = _result(task, outcome)
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


def _result(task: CaseTask, outcome: CaseResult | Exception) -> CaseResult:
    if isinstance(outcome, LostTaskError):
        return failure(task.case, str(outcome))
    if isinstance(outcome, Exception):
        return failure(task.case, f"{type(outcome).__name__}: {outcome}")
    if outcome.state != "failed" and not task.files.record.exists():
        found = f"expected {task.files.record.name} in {task.output}, found none after a worker wrote it"
        return failure(task.case, f"{found}; name a folder that this machine and every worker see")
    return outcome
