"""Read the headers of a tree of files: what is DICOM, what is a volume by itself, and what is neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.frame import Frame
from preprocessing.dicom.header import read_frames
from preprocessing.importing.cleaning import scrub
from preprocessing.importing.crew import Lost, work_through
from preprocessing.importing.dicom_identity import identity_of, series_uid_of
from preprocessing.importing.file_kind import Kind, file_kind

SECONDS_PER_FILE = 60.0
"""Longest time for the headers of one batch of files; a header is read in milliseconds."""
BATCH = 32
"""Files handed to a worker at once; after a crash or a hang they are tried one by one."""
LOSSES = {
    "crashed": "expected a header, found a file that crashes its reader; it is damaged: export it again",
    "timed_out": "expected a header, found one that is not read in time; it is damaged: export it again",
}
LONGEST_QUOTE = 160
"""Longest part of a message that may quote what a header holds."""
NEVER_IMAGES = frozenset({"not_an_image", "spectroscopy"})
"""Reasons of refusal that say that the object holds no image at all, so that none is missing."""
DAMAGE = frozenset(
    {"corrupt", "truncated", "too_large", "no_pixels", "no_geometry", "pixel_format", "not_dicom"}
)
"""Reasons of refusal that say that a slice was there and cannot be read."""


@dataclass(frozen=True, kw_only=True)
class HeaderResult:
    """What one file is.

    Args:
        path: the file.
        kind: of image that it claims to be; None if it claims to be none.
        frames: slices of a DICOM file.
        reason: why it is refused, as a short fixed code, else empty.
        message: what was expected, what was found, what to do; without identity.
        damaged_series: UID of the series that misses this file because it is damaged, else empty.
    """

    path: Path
    kind: Kind | None = None
    frames: tuple[Frame, ...] = ()
    reason: str = ""
    message: str = ""
    damaged_series: str = ""


def read_headers(files: Sequence[Path], *, workers: int) -> list[HeaderResult]:
    """Read the headers of many files in parallel, in the order of the files.

    Args:
        files: any files.
        workers: processes; 0 reads in this one.
    """
    batches = [tuple(files[start : start + BATCH]) for start in range(0, len(files), BATCH)]
    found: dict[Path, HeaderResult] = {}
    with tqdm(total=len(files), desc="headers", unit="file", disable=None) as bar:
        for results in _results(batches, workers):
            found.update((result.path, result) for result in results)
            bar.update(len(results))
        lost = [(path,) for path in files if path not in found]
        for results in _results(lost, workers):
            found.update((result.path, result) for result in results)
            bar.update(len(results))
    return [found[path] for path in files]


def read_header_batch(paths: Iterable[Path]) -> tuple[HeaderResult, ...]:
    """Read the headers of some files; raises nothing.

    Args:
        paths: any files.
    """
    return tuple(_read(path) for path in paths)


def refusal(error: DicomError) -> str:
    """What an error says beside its reason, which stands in a column of its own.

    Args:
        error: a refusal.
    """
    _, expected, found, remedy = error.args
    # Where bytes are damaged, a field may run on into those that follow, the patient's name among them.
    shown = found if len(found) <= LONGEST_QUOTE and found.isprintable() else "damaged bytes"
    return f"expected {expected}, found {shown}; {remedy}"


def _results(batches: Sequence[tuple[Path, ...]], workers: int) -> Iterator[tuple[HeaderResult, ...]]:
    for number, results in work_through(
        read_header_batch, batches, workers=workers, seconds=SECONDS_PER_FILE
    ):
        if not isinstance(results, Lost):
            yield results
        elif len(batches[number]) == 1:
            (path,) = batches[number]
            yield (HeaderResult(path=path, reason=results.reason, message=LOSSES[results.reason]),)


def _read(path: Path) -> HeaderResult:
    try:
        kind = file_kind(path)
        return HeaderResult(path=path, kind=kind, frames=read_frames(path) if kind == "dicom" else ())
    except DicomError as error:
        message = scrub(refusal(error), hidden=(str(path),), identity=identity_of(path))
        series = series_uid_of(path) if error.reason in DAMAGE else ""
        return HeaderResult(
            path=path, kind="dicom", reason=error.reason, message=message, damaged_series=series
        )
    except OSError as error:
        found = error.strerror or type(error).__name__
        message = f"expected a readable file, found: {found}; check its permissions and the disk"
        return HeaderResult(path=path, reason="unreadable", message=message)
