"""`cyclevox phantom`: a digital hip cohort with known truth."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, UsageError, conclude


class FileFormat(StrEnum):
    """What the cohort is written as."""

    NIFTI = "nifti"
    DICOM = "dicom"


def phantom(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write the cohort to.")],
    mr: Annotated[int, typer.Option(min=0, help="Unpaired MR patients for training.")] = 20,
    ct: Annotated[int, typer.Option(min=0, help="Unpaired CT patients for training.")] = 20,
    pairs: Annotated[int, typer.Option(min=0, help="Test patients with an MR and its CT truth.")] = 4,
    labelled_ct: Annotated[int, typer.Option(min=0, help="How many training CT carry labels.")] = 0,
    labelled_mr: Annotated[int, typer.Option(min=0, help="How many training MR carry labels.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    size: Annotated[
        int, typer.Option(min=16, help="In-plane pixels of an MR slice (256 at full size).")
    ] = 64,
    shift: Annotated[
        float, typer.Option(min=0, max=1, help="How far the CT population differs from the MR one (0: not).")
    ] = 0.0,
    file_format: Annotated[
        FileFormat,
        typer.Option("--format", help="NIfTI volumes, or a tree of DICOM studies with the truth beside."),
    ] = FileFormat.NIFTI,
    as_json: AsJson = False,
) -> None:
    """Write a digital hip cohort: MR and CT volumes, labels and noise-free truth, and OUT/cohort.csv.

    Example: cyclevox phantom runs/hips --mr 20 --ct 20 --pairs 4 --seed 1
    """

    def work() -> Outcome:
        from preprocessing.phantom.cohort import write_phantom_cohort

        for domain, labelled, scans in (("ct", labelled_ct, ct), ("mr", labelled_mr, mr)):
            if labelled > scans:
                raise UsageError(
                    f"expected --labelled-{domain} at most --{domain}, found {labelled} of {scans}: "
                    f"ask for fewer labels or more scans"
                )
        table = write_phantom_cohort(
            out,
            mr=mr,
            ct=ct,
            pairs=pairs,
            labelled_ct=labelled_ct,
            labelled_mr=labelled_mr,
            seed=seed,
            size=size,
            shift=shift,
            file_format=file_format.value,
        )
        counts = {"mr": mr, "ct": ct, "pairs": pairs}
        if file_format is FileFormat.DICOM:
            return Outcome(results={"dicom": str(out / "dicom"), "series": str(table), **counts})
        return Outcome(results={"cohort": str(out / "cohort.csv"), **counts})

    conclude(work, as_json=as_json)
