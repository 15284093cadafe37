"""`cyclevox translate`: the inference workflow."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, conclude


def translate(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="NIfTI file, or cohort folder.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="NIfTI file, or folder for a cohort.")],
    model: Annotated[Path, typer.Option(help="Model folder of a run.")],
    to: Annotated[str, typer.Option(help="Domain to translate to, for example ct.")],
    split: Annotated[
        str | None, typer.Option(help="Of a cohort, only this split: train, validation or test.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Translate a volume or a cohort to another domain, on the source's grid.

    The same work runs as
    `python -m monai.bundle run --config_file "['configs/inference.json','MODEL/model.json']"`.

    Example: cyclevox translate patient.nii.gz synthetic_ct.nii.gz --model runs/hips/model --to ct
    """

    def work() -> Outcome:
        import cyclevox
        from pipelines.commands.bundle_run import run_bundle
        from pipelines.model.model_folder import MODEL_FILE, read_model

        read_model(model)
        places = {
            "dataset_dir": str(source),
            "output_dir": str(output),
            "model_dir": str(model),
            "to": to,
            "split": split,
        }
        configs: list[Path | str] = [
            cyclevox.bundle_path() / "configs" / "inference.json",
            model / MODEL_FILE,
        ]
        *_, report = run_bundle(configs, places)
        return Outcome(
            results={"output": str(report.output), "translated": list(report.translated)},
            failed=report.failed,
        )

    conclude(work, as_json=as_json)
