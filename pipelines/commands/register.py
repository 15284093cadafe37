"""`cyclevox register`: one scan onto another of the same patient."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, conclude


def register(
    fixed: Annotated[Path, typer.Argument(metavar="FIXED", help="NIfTI volume that stays (the MR).")],
    moving: Annotated[Path, typer.Argument(metavar="MOVING", help="NIfTI volume to bring onto it (the CT).")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    landmarks: Annotated[
        Path | None, typer.Option(help="JSON with points of both scans by name; else moments begin.")
    ] = None,
    deformable: Annotated[
        bool, typer.Option("--deformable", help="A B-spline after the rigid motion, kept if it is better.")
    ] = False,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Config laid over preprocess.json: a file, or a name of the bundle's; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register a scan onto another of the same patient: landmarks or moments, rigid, B-spline.

    Writes registered.nii.gz, coverage.nii.gz, transform.tfm, quality.json and registration.png. The verdict
    is accept, review or reject; a rejected registration is written for looking at, and the exit code is 1.

    Example: cyclevox register patient1_mr.nii.gz patient1_ct.nii.gz runs/patient1 --deformable
    """

    def work() -> Outcome:
        from pipelines.commands.registration_files import register_files

        record = register_files(
            fixed=fixed,
            moving=moving,
            out=out,
            landmarks=landmarks,
            deformable=deformable,
            recipes=recipe or [],
        )
        failed = {moving.name: "; ".join(record["reasons"])} if record["verdict"] == "reject" else {}
        results = {name: value for name, value in record.items() if name != "thresholds"}
        return Outcome(results={"out": str(out), **results}, failed=failed)

    conclude(work, as_json=as_json)
