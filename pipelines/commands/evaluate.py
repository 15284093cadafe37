"""`cyclevox evaluate`: predictions against the truth."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, by_case, conclude


def evaluate(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="Cohort with sources and truths.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write metrics.csv and summary.json to.")
    ],
    predictions: Annotated[Path, typer.Option(help="Cohort of predictions, compared case by case.")],
    config: Annotated[
        list[str] | None, typer.Option(help="Config laid over evaluate.json: a file or a name; repeatable.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="ID=VALUE", help="Override one entry; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a cohort of predictions: image metrics against true pairs, mutual information everywhere.

    A case without a pair gets no full-reference metric: it is listed as failed, and the rest is measured.

    Example: cyclevox evaluate runs/prepared runs/scores --predictions runs/translated
    """

    def work() -> Outcome:
        import cyclevox
        from pipelines.commands.bundle_run import read_settings, run_bundle

        places = {"dataset_dir": str(cohort), "output_dir": str(out), "predictions": str(predictions)}
        overrides = read_settings(settings or [], given=places)
        configs: list[Path | str] = [cyclevox.bundle_path() / "configs" / "evaluate.json", *(config or [])]
        *_, report = run_bundle(configs, {**overrides, **places})
        return Outcome(
            results={"table": str(out / "metrics.csv"), **report.summary}, failed=by_case(report.failed)
        )

    conclude(work, as_json=as_json)
