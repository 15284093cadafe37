"""`cyclevox import`: any tree of scans into volumes under pseudonyms."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, conclude


def import_(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="Folder with DICOM, NIfTI, NRRD or MHA files.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write volumes and tables to.")],
    repair: Annotated[
        bool, typer.Option("--repair", help="Make up for missing and duplicate slices, and record it.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 works in this one. Default: one for each core.")
    ] = None,
    identities: Annotated[
        Path | None,
        typer.Option(
            help="Private file of secret and names, shared by imports. Default: OUT/identities.json."
        ),
    ] = None,
    patient: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="Finds the patient in the path of NIfTI, NRRD and MHA files."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import any tree of scans: OUT/PATIENT/SERIES.nii.gz, series.csv, and rejected.csv with reasons.

    Patients, studies and series get keyed pseudonyms; who they are stands in one private file. Run again, it
    does only what has changed. Objects that hold no image, such as reports, are listed but are no failure.

    Example: cyclevox import pacs_export imported
    """

    def work() -> Outcome:
        from preprocessing.importing.tree_import import TreeImport

        report = TreeImport(
            source=src,
            output=out,
            repair=repair,
            workers=len(os.sched_getaffinity(0)) if workers is None else workers,
            identities=identities,
            patient=patient,
        ).run()
        return Outcome(
            results={
                "table": str(out / "series.csv"),
                "rejected": str(out / "rejected.csv"),
                "patients": report.patients,
                "perhaps_one_patient": [" ".join(group) for group in report.alike],
                "imported": len(report.imported),
                "unchanged": len(report.unchanged),
                "no_images": sum(item.files for item in report.rejected if not item.image),
                "ignored_files": report.ignored,
                "links_not_followed": report.links,
                "left_over": report.left_over,
            },
            failed={item.source: f"{item.reason}: {item.message}" for item in report.rejected if item.image},
        )

    conclude(work, as_json=as_json)
