"""`cyclevox prepare`: the preprocessing config over a cohort."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, UsageError, by_case, conclude


def prepare(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="Cohort folder, or its cohort.csv.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write the prepared cohort to.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Config laid over preprocess.json: a file, or a name of the bundle's; repeatable."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes on this machine; 0 works in this one. "
            "Without it: one for each core, or none if the cohort is small.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Dask scheduler to use instead; its workers must see COHORT and OUT."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a cohort's volumes for training: orientation, bias field, body mask, grid, windows.

    What is already prepared and unchanged is left as it is. OUT/overview.html shows every case in small
    pictures, those that failed first. The same work runs as
    `python -m monai.bundle run --config_file configs/preprocess.json --dataset_dir COHORT --output_dir OUT`.

    Example: cyclevox prepare runs/hips runs/prepared
    """

    def work() -> Outcome:
        import cyclevox
        from pipelines.commands.bundle_run import run_bundle

        if workers is not None and scheduler is not None:
            raise UsageError("Wanted --workers or --scheduler, found both. Leave one out.")
        given = {"workers": workers, "scheduler": scheduler}
        chosen = {name: value for name, value in given.items() if value is not None}
        configs: list[Path | str] = [cyclevox.bundle_path() / "configs" / "preprocess.json", *(recipe or [])]
        folders = {"dataset_dir": str(cohort), "output_dir": str(out)}
        report, page, profiles = run_bundle(configs, {**folders, **chosen})
        return Outcome(
            results={
                "cohort": str(out / "cohort.csv"),
                "prepared": list(report.prepared),
                "unchanged": list(report.unchanged),
                "pairs": [asdict(pair) for pair in report.pairs],
                "overview": str(page),
                "area_profiles": profiles,
            },
            failed=by_case(report.failed),
        )

    conclude(work, as_json=as_json)
