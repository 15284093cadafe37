"""Run the commands over a folder of real scans, and collect what came out."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
from real_data_sources import DCM2NIIX, ITSELF, SOURCES, Source
from volume_comparison import Comparison, compare, converted

from preprocessing.dicom.dataset import is_dicom
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.series import stacks_of
from preprocessing.importing.identities import FILE_NAME, open_identities
from preprocessing.importing.naming import Naming

PATIENTS = r"patient\d+|example_\w+|volume_rendering_stroke|dcm_qa_\w+|dicom2nifti"
"""Finds the patient in the path of a file that says nothing of one."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that was run.

    Args:
        line: as it is printed.
        code: exit code.
        results: its JSON object.
    """

    line: str
    code: int
    results: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one source file or folder.

    Args:
        source: which it is of.
        path: the file or folder.
        image: the imported volume, or None.
        rejected: row of rejected.csv, or empty.
        comparison: with the reference; None for what was refused.
    """

    source: Source
    path: Path
    image: Path | None
    rejected: dict[str, str]
    comparison: Comparison | None

    @property
    def right(self) -> bool:
        """Whether this is what it should be."""
        if self.comparison is not None:
            return self.comparison.right and not self.source.expected
        return bool(self.source.expected) and self.rejected.get("reason") == self.source.expected


@dataclass(kw_only=True)
class Session:
    """Commands over one folder of data.

    Args:
        data: the folder.
        work: folder to work in.
    """

    data: Path
    work: Path
    done: list[Done] = field(default_factory=list)

    def run(self, *arguments: str | Path) -> Done:
        """Run one command, and remember it; 2 is wrong use, and an error here."""
        texts = [str(argument) for argument in arguments]
        command = [sys.executable, "-c", "import cyclevox; cyclevox.main()", *texts, "--json"]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        line = (
            shlex.join(["cyclevox", *texts]).replace(str(self.work), "runs").replace(str(self.data), "DATA")
        )
        if finished.returncode not in (0, 1):
            raise RuntimeError(f"{line}: exit code {finished.returncode}\n{finished.stderr}")
        self.done.append(Done(line=line, code=finished.returncode, results=json.loads(finished.stdout)))
        return self.done[-1]

    def outcomes(self, imported: Path, sources: Iterable[Source] = SOURCES) -> list[Outcome]:
        """Compare every source that is there with its reference."""
        names = self._names(imported)
        rejected = {row["source"]: row for row in table(imported / "rejected.csv")}
        found = []
        for source in sources:
            for path in source.paths(self.data):
                (series,) = {name for file, name in names.items() if path in (file, *file.parents)}
                image = next(imported.glob(f"p*/{series}.nii.gz"), None)
                comparison = None
                if image is not None:
                    reference = source.reference_of(path, self.data)
                    truth = {DCM2NIIX: lambda p=path: converted(p), ITSELF: lambda p=path: nib.load(p)}.get(
                        str(reference), lambda r=reference: nib.load(r)
                    )()
                    comparison = compare(nib.load(image), truth, resampled=source.resampled)
                refused = rejected.get(series, {})
                found.append(
                    Outcome(source=source, path=path, image=image, rejected=refused, comparison=comparison)
                )
        return found

    def leftovers(self, imported: Path) -> list[Path]:
        """Files that were imported or refused and belong to no source."""
        known = [path for source in SOURCES for path in source.paths(self.data)]
        return [file for file in self._names(imported) if not {file, *file.parents} & set(known)]

    def _names(self, imported: Path) -> dict[Path, str]:
        """By source file, the name that the import gave its series."""
        naming = Naming(
            identities=open_identities(imported / FILE_NAME), source=self.data.resolve(), patient=PATIENTS
        )
        files = [path for path in sorted(self.data.rglob("*")) if path.is_file()]
        dicom = [path for path in files if is_dicom(path)]
        stacks = stacks_of(frame for path in dicom for frame in read_frames(path))
        names = {
            frame.path: name["series"] for stack, name in naming.of_stacks(stacks) for frame in stack.frames
        }
        plain = [path for path in files if path.name.endswith((".nii", ".nii.gz"))]
        return names | {path: naming.of_file(path)["series"] for path in plain}

    def tell_content(self, imported: Path, outcomes: Sequence[Outcome]) -> Path:
        """Write a copy of series.csv with a column that a person filled who knows the files."""
        known = {outcome.image: outcome.source.content for outcome in outcomes if outcome.image}
        rows = table(imported / "series.csv")
        told = imported / "series_told.csv"
        with told.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [*rows[0], "content"], lineterminator="\n")
            writer.writeheader()
            for row in rows:
                writer.writerow({**row, "content": known.get(imported / row["image"], "")})
        return told


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a table."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
