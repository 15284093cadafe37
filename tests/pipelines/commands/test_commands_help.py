"""Help is instant and complete for every command."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipelines.commands.app import app

COMMANDS = typer.main.get_command(app).commands
HEAVY = ("torch", "monai", "numpy", "SimpleITK", "pandas", "matplotlib")
ROOT = Path(__file__).resolve().parents[3]


def help_of(*command: str) -> str:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0, result.output
    return result.output


def test_commands_are_listed():
    assert {"phantom", "prepare"} <= set(COMMANDS)
    assert all(name in help_of() for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_json(name):
    text = help_of(name)
    assert f"Example: cyclevox {name} " in text
    assert "--json" in text


def test_help_loads_nothing_heavy():
    code = (
        "import sys, pipelines.commands.app as door, typer; "
        "typer.main.get_command(door.app)(['--help'], standalone_mode=False); "
        f"sys.exit(', '.join(name for name in {HEAVY!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_wrong_use_exits_with_2_and_names_the_option():
    result = CliRunner().invoke(app, ["phantom", "out", "--mr", "-1"])
    assert result.exit_code == 2
    assert "--mr" in result.output
