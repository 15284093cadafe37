"""`cyclevox benchmark`: speed and memory as ratios."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.outcome import AsJson, Outcome, UsageError, conclude

NAMES = ("preprocess",)


def benchmark(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"What to measure: {', '.join(NAMES)}.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Toy sizes, to see that all of it runs; the numbers say nothing.")
    ] = False,
    work: Annotated[
        Path | None, typer.Option(help="New folder for what it makes, kept; default: one that is removed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure speed and memory against a baseline in one run, start-up excluded, and print a table.

    With --json the table is a list of objects.

    Example: cyclevox benchmark preprocess --json
    """

    def measure() -> Outcome:
        import os
        import tempfile

        if name not in NAMES:
            raise UsageError(f"expected a benchmark of {', '.join(NAMES)}, found {name!r}: name one of these")
        if work is not None and work.exists():
            raise UsageError(f"expected a new folder to work in, found {work}: name another, or remove it")
        from pipelines.benchmarks.measurement import machine
        from pipelines.benchmarks.preprocess import measure_preprocessing
        from pipelines.benchmarks.report import as_markdown
        from pipelines.model.environment import revision

        about = {"machine": machine(), "revision": revision(), "load": round(os.getloadavg()[0], 1)}
        with tempfile.TemporaryDirectory(prefix="cyclevox_benchmark_") as folder:
            found = measure_preprocessing(work or Path(folder), quick=quick)
        if as_json:
            return Outcome(results=[{**entry.to_dict(), **about} for entry in found])
        return Outcome(results={name: as_markdown(found), **about})

    conclude(measure, as_json=as_json)
