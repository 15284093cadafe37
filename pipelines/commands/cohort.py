"""`cyclevox cohort`: choose series by rules, and split them by patient."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, UsageError, conclude


def cohort(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="The series.csv of an import, or a folder of NIfTI files."),
    ],
    out: Annotated[Path, typer.Argument(metavar="COHORT", help="Folder to write cohort.csv to.")],
    domain: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=RULE", help="A domain and what belongs to it: a rule, or a pattern; repeatable."
        ),
    ],
    split: Annotated[str, typer.Option(help="Per cent of patients to train / validate / test.")] = "70/15/15",
    seed: Annotated[int, typer.Option(help="Another seed deals out the patients anew.")] = 0,
    pairs: Annotated[
        bool,
        typer.Option("--pairs", help="Scans of one patient in two domains become candidates for a pair."),
    ] = False,
    patient: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="Finds the patient in a path: its first group, or the match."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace another cohort.csv that stands there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Choose the cases of a cohort and split them by patient; the volumes stay where they are.

    From series.csv, a rule is an expression on its columns, as pandas' DataFrame.query takes it, with methods
    such as .str.contains, .str.startswith, .isin, .between, .isna and .notna. From a folder, a rule is a
    pattern of paths such as `**/*T1*.nii.gz`; the patient is the top folder, else the file's name.

    Example: cyclevox cohort imported/series.csv runs/hips --domain ct='modality == "CT" and spacing_z <= 6'
    --domain mr='modality == "MR" and not description.str.contains("loc", case=False)'
    """

    def work() -> Outcome:
        from preprocessing.selection.cohort_selection import CohortSelection
        from preprocessing.selection.split import SplitShares

        report = CohortSelection(
            source=source,
            output=out,
            domains=_rules(domain),
            shares=SplitShares.parse(split),
            seed=seed,
            pairs=pairs,
            patient=patient,
            force=force,
        ).run()
        return Outcome(
            results={
                "cohort": str(out / "cohort.csv"),
                "cases": report.counts,
                "patients": report.patients,
                "candidates": report.candidates,
                "written": report.written,
            }
        )

    conclude(work, as_json=as_json)


def _rules(given: list[str]) -> dict[str, str]:
    rules: dict[str, str] = {}
    for text in given:
        name, found, rule = text.partition("=")
        if not found or not rule.strip() or name.strip() in rules:
            raise UsageError(
                f"--domain {text!r}: expected NAME=RULE, each name once, as in ct='modality == \"CT\"'"
            )
        rules[name.strip()] = rule.strip()
    return rules
