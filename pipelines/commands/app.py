"""The command `cyclevox`. Command modules import their work only when they run, so that help is instant."""

from typing import Annotated

import typer

import cyclevox
from pipelines.commands.benchmark import benchmark
from pipelines.commands.cohort import cohort
from pipelines.commands.evaluate import evaluate
from pipelines.commands.import_ import import_
from pipelines.commands.phantom import phantom
from pipelines.commands.prepare import prepare
from pipelines.commands.register import register
from pipelines.commands.train import train
from pipelines.commands.translate import translate

app = typer.Typer(
    name="cyclevox",
    no_args_is_help=True,
    add_completion=False,
    # Rich takes longer to import than the whole help takes to print, and rewraps the examples.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cyclevox {cyclevox.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Translate medical volumes between MR and CT, or T1 and T2, without paired training data.

    Exit codes: 0 all done; 1 some case failed, the rest is finished and listed; 2 wrong use.
    """


for command in (phantom, import_, cohort, prepare, register, train, translate, evaluate, benchmark):
    app.command(command.__name__.strip("_"))(command)


def run() -> None:
    """Parse the command line and run the command it names."""
    app()
