"""Import a tree of DICOM, NIfTI, NRRD and MetaImage files: volumes under pseudonyms, and two tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from preprocessing.dicom.frame import Frame
from preprocessing.dicom.series import Stack, stacks_of
from preprocessing.importing.alike import alike_patients
from preprocessing.importing.conversion import import_series
from preprocessing.importing.crew import Lost, work_through
from preprocessing.importing.headers import DAMAGE, HeaderResult, read_headers
from preprocessing.importing.identities import FILE_NAME, open_identities
from preprocessing.importing.lookalikes import with_lost_slices
from preprocessing.importing.naming import Naming
from preprocessing.importing.rejections import lost, rejected_files, rejected_folders, rejected_series
from preprocessing.importing.series_task import PlainFile, SeriesResult, SeriesTask
from preprocessing.importing.tables import SERIES_TABLE, Rejected, is_series_table, write_tables
from preprocessing.importing.walk import walk
from preprocessing.patient_of_path import PatientOfPathError, check_pattern, patient_of_path

SECONDS_PER_SERIES = 1800.0
"""Longest time for one series, after which its worker is stopped."""


class TreeImportError(ValueError):
    """A folder cannot be imported at all; the message says what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of a tree of files.

    Args:
        imported: names of the series written now.
        unchanged: names of the series that stood already.
        rejected: everything that became no volume.
        ignored: number of files that are no images by name and content.
        links: number of symbolic links, which are not followed.
        left_over: volumes in the output that this import did not make, such as those of series now gone.
        patients: number of patients that the volumes are of.
        alike: groups of pseudonyms that may be of one person, by name and birth date or by UIDs.
    """

    imported: tuple[str, ...]
    unchanged: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    ignored: int
    links: int
    left_over: int
    patients: int
    alike: tuple[tuple[str, ...], ...]


class TreeImport:
    """Volumes of a tree of files, in folders of pseudonyms.

    Args:
        source: folder with any files.
        output: folder for `<pseudonym>/<series>.nii.gz`, their records, and the tables.
        repair: whether missing and duplicate slices may be made up for, and recorded.
        workers: processes; 0 works in this one, where a crash of a decoder ends the run.
        identities: the private file; None for the one in `output`.
        patient: regular expression that finds the patient in the path of a file that is no DICOM: its first
            group, or the whole match; None for the top folder, and for a file beside these, its name.
    """

    def __init__(
        self,
        *,
        source: Path,
        output: Path,
        repair: bool = False,
        workers: int = 1,
        identities: Path | None = None,
        patient: str | None = None,
    ) -> None:
        """Remember the task; nothing is read yet."""
        self.source = source.resolve()
        self.output = output.resolve()
        self.repair, self.workers, self.patient = repair, workers, patient
        self.identities = (identities or self.output / FILE_NAME).resolve()

    def run(self) -> ImportReport:
        """Import everything; run again, only what has changed.

        Raises:
            TreeImportError: if the source is no folder, or the output belongs to something else.
            IdentitiesError: if the private file is unusable.
            PatientOfPathError: if the expression for patients is none.
        """
        self._check()
        identities = open_identities(self.identities)
        tree = walk(self.source, leave_out=self.output)
        files = [path for path in tree.files if path != self.identities]
        found = with_lost_slices(read_headers(files, workers=self.workers))
        found = [self._with_patient(result) for result in found]
        tasks = self._tasks(found, Naming(identities=identities, source=self.source, patient=self.patient))
        rejected = [*rejected_files(found, identities), *rejected_folders(tree, identities)]
        for task in tasks:
            identities.remember_places(task.names["series"], task.files)
        # Before the first volume: if this run is killed, the next one gives the same names.
        identities.save()
        results = self._import(tasks)
        rejected += [rejected_series(task, result) for task, result in results if result.state == "refused"]
        write_tables(self.output, [result.row for _, result in results if result.row], rejected)
        return ImportReport(
            imported=tuple(task.names["series"] for task, result in results if result.state == "imported"),
            unchanged=tuple(task.names["series"] for task, result in results if result.state == "unchanged"),
            rejected=tuple(rejected),
            ignored=sum(item.kind is None and not item.reason for item in found),
            links=tree.links,
            left_over=self._tidy([task for task, result in results if result.row]),
            patients=len({result.row["patient"] for _, result in results if result.row}),
            alike=alike_patients(
                (task.names["patient"], task.origin.frames[0])
                for task, result in results
                if result.row and isinstance(task.origin, Stack)
            ),
        )

    def _check(self) -> None:
        if not self.source.is_dir():
            raise TreeImportError(f"{self.source}: expected a folder to import, found none; correct the path")
        check_pattern(self.patient)
        if self.source.is_relative_to(self.output):
            raise TreeImportError(f"{self.output}: expected a folder outside the source; name another one")
        table = self.output / SERIES_TABLE
        if table.exists() and not is_series_table(table):
            raise TreeImportError(
                f"{table}: expected no such file or that of an import, found another; name another folder"
            )
        if table.exists() and not self.identities.exists():
            raise TreeImportError(
                f"{self.output}: holds an import, but its private file {self.identities} is gone, so that "
                "patients would get other names; restore it, or import into another folder"
            )

    def _with_patient(self, result: HeaderResult) -> HeaderResult:
        """The same, or refused where the path of a file that is no DICOM tells no patient."""
        if result.kind in (None, "dicom") or result.reason:
            return result
        try:
            patient_of_path(result.path.relative_to(self.source), self.patient)
        except PatientOfPathError:
            message = "expected a patient by the given expression in the path, found none; make it fit all"
            return replace(result, reason="no_patient", message=message)
        return result

    def _tasks(self, found: Sequence[HeaderResult], naming: Naming) -> list[SeriesTask]:
        frames: Iterator[Frame] = (frame for result in found for frame in result.frames)
        named: list[tuple[Stack | PlainFile, dict[str, str]]] = [*naming.of_stacks(stacks_of(frames))]
        for result in found:
            if result.kind not in (None, "dicom") and not result.reason:
                origin = PlainFile(path=result.path, source=self.source)
                named.append((origin, naming.of_file(result.path)))
        losses = [result for result in found if result.reason in DAMAGE and result.kind == "dicom"]
        damaged = Counter(result.damaged_series for result in losses if result.damaged_series)
        beside = Counter(result.path.parent for result in losses if not result.damaged_series)
        return [
            SeriesTask(
                names=names,
                origin=origin,
                output=self.output,
                secret=naming.identities.secret,
                repair=self.repair,
                damaged=damaged[origin.series_uid] if isinstance(origin, Stack) else 0,
                beside=sum(beside[folder] for folder in _folders(origin)),
            )
            for origin, names in named
        ]

    def _import(self, tasks: Sequence[SeriesTask]) -> list[tuple[SeriesTask, SeriesResult]]:
        results: dict[int, SeriesResult] = {}
        with tqdm(total=len(tasks), desc="import", unit="series", disable=None) as bar:
            for number, result in work_through(
                import_series, tasks, workers=self.workers, seconds=SECONDS_PER_SERIES
            ):
                results[number] = lost(result) if isinstance(result, Lost) else result
                bar.update()
        return [(task, results[number]) for number, task in enumerate(tasks)]

    def _tidy(self, listed: Sequence[SeriesTask]) -> int:
        """Remove what a killed run left half written, and count the volumes that no row names."""
        for partial in self.output.glob("p*/.partial.s*"):
            partial.unlink()
        own = {task.image for task in listed}
        return sum(path not in own for path in self.output.glob("p*/s*.nii.gz"))


def _folders(origin: Stack | PlainFile) -> set[Path]:
    return {frame.path.parent for frame in origin.frames} if isinstance(origin, Stack) else set()
