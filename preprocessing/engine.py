"""Where the cases of a cohort are worked on: in this process, in processes of its own, or on a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

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
