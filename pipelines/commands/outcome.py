"""How every command ends: what it prints where, and its exit code."""

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Any

import typer

OWN_PACKAGES = ("preprocessing", "evaluation", "pipelines", "cyclevox")
"""Errors whose class is defined here, and ValueErrors raised here, are written for the user."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object of results; logs go to stderr.")]
"""The option that every command has."""


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    SOME_FAILED = 1
    WRONG_USE = 2


class UsageError(ValueError):
    """A command was asked for what it cannot do; the message says what was wanted, what came, what to do."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command has to say when its work is over.

    Args:
        results: JSON values by name, or a list of JSON objects, printed on standard output.
        failed: The message of each case that failed, by case name; the others are finished.
    """

    results: Mapping[str, Any] | list[Mapping[str, Any]]
    failed: Mapping[str, str] = field(default_factory=dict)


def by_case(failures: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return one message for each case, of all that failed in it.

    Args:
        failures: Name of the case and message; a case may come several times.
    """
    messages: dict[str, list[str]] = {}
    for case, message in failures:
        if message not in messages.setdefault(case, []):
            messages[case].append(message)
    return {case: "; ".join(told) for case, told in messages.items()}


def user_message(error: BaseException) -> str | None:
    """Find the message written for the user in an error or in its causes; None for a fault of the program.

    MONAI wraps what a config's object raises into a RuntimeError, so the chain of causes is followed.
    """
    link: BaseException | None = error
    while link is not None:
        own_class = type(link).__module__.partition(".")[0] in OWN_PACKAGES
        if own_class or isinstance(link, OSError) or (isinstance(link, ValueError) and _raised_here(link)):
            return str(link)
        link = link.__cause__
    return None


def _raised_here(error: BaseException) -> bool:
    """Tell whether our own code raised an error itself: its ValueErrors are written for the user."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__", "").partition(".")[0] in OWN_PACKAGES


def conclude(work: Callable[[], Outcome], *, as_json: bool) -> None:
    """Do a command's work, print its outcome and leave with the exit code that the outcome deserves.

    Whatever the work prints goes to standard error, so that standard output holds nothing but the results.

    Raises:
        typer.Exit: With 0 if all is done, 1 if some case failed, 2 if the error is the user's to mend.
        Exception: An error that is not the user's to mend passes through with its traceback.
    """
    try:
        with redirect_stdout(sys.stderr):
            outcome = work()
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        typer.echo(f"cyclevox: {message}", err=True)
        raise typer.Exit(ExitCode.WRONG_USE) from error
    _print(outcome, as_json=as_json)
    raise typer.Exit(ExitCode.SOME_FAILED if outcome.failed else ExitCode.DONE)


def _print(outcome: Outcome, *, as_json: bool) -> None:
    if isinstance(outcome.results, list):
        typer.echo(json.dumps(outcome.results, allow_nan=False))
        return
    if as_json:
        typer.echo(json.dumps({**outcome.results, "failed": dict(outcome.failed)}, allow_nan=False))
        return
    for name, value in outcome.results.items():
        told = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        # A table begins on a line of its own, or its columns would not meet.
        typer.echo(f"{name}:\n{told}" if "\n" in told else f"{name}: {told}")
    for case, message in outcome.failed.items():
        typer.echo(f"cyclevox: failed {case}: {message}", err=True)
