"""What an import refused, as items of rejected.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from preprocessing.importing.crew import Lost
from preprocessing.importing.headers import NEVER_IMAGES, HeaderResult
from preprocessing.importing.identities import Identities
from preprocessing.importing.series_task import SeriesResult, SeriesTask
from preprocessing.importing.tables import Rejected
from preprocessing.importing.walk import Walk


def lost(loss: Lost) -> SeriesResult:
    """What becomes of a series whose worker gave no answer.

    Args:
        loss: how it was lost.
    """
    how = {"crashed": "one that crashes its decoder", "timed_out": "one that is not read in time"}[
        loss.reason
    ]
    message = f"expected a readable series, found {how}; export it again, or leave it out"
    return SeriesResult(state="refused", row={}, reason=loss.reason, message=message)


def rejected_series(task: SeriesTask, result: SeriesResult) -> Rejected:
    """Item of a series that was refused.

    Args:
        task: what was asked.
        result: what was answered.
    """
    return Rejected(
        source=task.names["series"],
        patient=task.names["patient"],
        files=len(task.files),
        image=result.reason not in NEVER_IMAGES,
        reason=result.reason,
        message=result.message,
    )


def rejected_files(found: Sequence[HeaderResult], identities: Identities) -> Iterator[Rejected]:
    """One item for all files of a folder that are refused for the same reason.

    Args:
        found: what each file is.
        identities: gives the names of folders and files.
    """
    alike: dict[tuple[Path, str, str], list[Path]] = defaultdict(list)
    for result in found:
        if result.reason:
            alike[(result.path.parent, result.reason, result.message)].append(result.path)
    for (folder, reason, message), paths in alike.items():
        shown = paths[0] if len(paths) == 1 else folder
        yield Rejected(
            source=identities.hash("d", str(shown)),
            files=len(paths),
            image=reason not in NEVER_IMAGES,
            reason=reason,
            message=message,
        )


def rejected_folders(tree: Walk, identities: Identities) -> Iterator[Rejected]:
    """One item for each folder that cannot be listed.

    Args:
        tree: what was found.
        identities: gives the names of folders.
    """
    for folder in tree.unreadable:
        message = "expected a readable folder, found one that cannot be listed; check its permissions"
        source = identities.hash("d", str(folder))
        yield Rejected(source=source, files=0, image=True, reason="unreadable", message=message)
