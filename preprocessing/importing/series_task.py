"""What is asked of a worker for one series, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from preprocessing.dicom.series import Stack


@dataclass(frozen=True, kw_only=True)
class PlainFile:
    """A volume in a file of its own that says nothing of a patient.

    Args:
        path: a NIfTI, NRRD or MetaImage file.
        source: the folder that is imported.
    """

    path: Path
    source: Path


@dataclass(frozen=True, kw_only=True)
class SeriesTask:
    """Everything needed to import one series, in any process.

    Args:
        names: patient, study, series and frame_of_reference as the tables call them.
        origin: the slices or the file.
        output: folder of the import.
        secret: key of the hashes.
        repair: whether what is missing may be made up, and recorded.
        damaged: files of the series that cannot be read.
        beside: damaged files in the folders of the series that do not say what they are of.
    """

    names: Mapping[str, str]
    origin: Stack | PlainFile
    output: Path
    secret: bytes
    repair: bool
    damaged: int = 0
    beside: int = 0

    @property
    def image(self) -> Path:
        """The volume to write."""
        return self.output / self.names["patient"] / f"{self.names['series']}.nii.gz"

    @property
    def files(self) -> tuple[Path, ...]:
        """The source's files, each once."""
        if isinstance(self.origin, PlainFile):
            return (self.origin.path,)
        return tuple(sorted({frame.path for frame in self.origin.frames}))


@dataclass(frozen=True, kw_only=True)
class SeriesResult:
    """What became of a series.

    Args:
        state: how it ended.
        row: of series.csv, empty if it was refused.
        reason: why it was refused, as a short fixed code, else empty.
        message: what was expected, what was found, what to do; without identity.
    """

    state: Literal["imported", "unchanged", "refused"]
    row: Mapping[str, str]
    reason: str = ""
    message: str = ""
