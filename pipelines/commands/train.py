"""`cyclevox train`: the training workflow."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, conclude


def train(
    cohort: Annotated[
        Path, typer.Argument(metavar="COHORT", help="Prepared cohort folder, or its cohort.csv.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Run folder to write.")],
    config: Annotated[
        list[str] | None,
        typer.Option(help="Config laid over train.json: a file, or a name such as quickstart; repeatable."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="ID=VALUE", help="Override one entry; repeatable.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the newest checkpoint in OUT.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a translator between two domains on unpaired volumes.

    Without --config this is the recipe of Hiasa et al. 2018, which is sized for a GPU. The same work runs
    as `python -m monai.bundle run training --config_file configs/train.json --dataset_dir COHORT
    --output_dir OUT`.

    Example: cyclevox train runs/prepared runs/hips --config quickstart --set seed=1
    """

    def work() -> Outcome:
        import cyclevox
        from pipelines.commands.bundle_run import read_settings, run_bundle

        places = {"dataset_dir": str(cohort), "output_dir": str(out), "resume": resume}
        overrides = read_settings(settings or [], given=places)
        configs: list[Path | str] = [cyclevox.bundle_path() / "configs" / "train.json", *(config or [])]
        run_bundle(configs, {**overrides, **places}, run_id="training")
        return Outcome(results={"run": str(out), "model": str(out / "model")})

    conclude(work, as_json=as_json)
