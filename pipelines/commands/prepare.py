"""`cyclevox prepare`: the preprocessing config over a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, by_case, conclude


def prepare(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="Cohort folder, or its cohort.csv.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write the prepared cohort to.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Config laid over preprocess.json: a file, or a name of the bundle's; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a cohort's volumes for training: orientation, bias field, body mask, grid, windows.

    What is already prepared and unchanged is left as it is. The same work runs as
    `python -m monai.bundle run --config_file configs/preprocess.json --dataset_dir COHORT --output_dir OUT`.

    Example: cyclevox prepare runs/hips runs/prepared
    """

    def work() -> Outcome:
        import cyclevox
        from pipelines.commands.bundle_run import run_bundle

        configs: list[Path | str] = [cyclevox.bundle_path() / "configs" / "preprocess.json", *(recipe or [])]
        *_, report = run_bundle(configs, {"dataset_dir": str(cohort), "output_dir": str(out)})
        return Outcome(
            results={
                "cohort": str(out / "cohort.csv"),
                "prepared": list(report.prepared),
                "unchanged": list(report.unchanged),
            },
            failed=by_case(report.failed),
        )

    conclude(work, as_json=as_json)
