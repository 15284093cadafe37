"""Which files a prepared case consists of, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENDING_OF_ROLE = {
    "image": ".nii.gz",
    "label": "_label.nii.gz",
    "mask": "_mask.nii.gz",
    "coverage": "_coverage.nii.gz",
    "landmarks": "_landmarks.json",
    "transform": "_transform.tfm",
}
"""What the name of each prepared file adds to the name of its case."""
DERIVED_SUFFIXES = tuple(
    ending.partition(".")[0] for role, ending in ENDING_OF_ROLE.items() if role != "image"
)
"""Ends of the outputs' names, so that no case may be called like another's output."""
OVERVIEW_FOLDER = "overview"
"""Folder of the small pictures beside the prepared files, in which no case can have a file."""
STAGING_FOLDER = ".partial"
"""Folder in which files are written before they take their places; it is there only while work goes on."""


@dataclass(frozen=True)
class PreparedFiles:
    """Files of one prepared case; none need exist.

    Args:
        folder: of the prepared cohort.
        case: name of the case.
    """

    folder: Path
    case: str

    def file(self, role: str) -> Path:
        """Prepared file of a role.

        Args:
            role: one of `ENDING_OF_ROLE`.
        """
        return self.folder / f"{self.case}{ENDING_OF_ROLE[role]}"

    @property
    def record(self) -> Path:
        """Record beside the prepared volume."""
        return self.folder / f"{self.case}.json"

    @property
    def picture(self) -> Path:
        """Small picture for looking over the cohort."""
        return self.folder / OVERVIEW_FOLDER / f"{self.case}.jpg"

    def remove(self) -> None:
        """Take away whatever stands there, the record first: it speaks for the others."""
        for path in (self.record, *self):
            path.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Path]:
        """Files of every role, and the picture."""
        yield from (self.file(role) for role in ENDING_OF_ROLE)
        yield self.picture
