"""Commands run the bundle with the values that were given, and print one JSON object."""

import json
import shutil

import pytest
from toys import CONFIGS, TINY
from typer.testing import CliRunner

from pipelines.commands.app import app
from pipelines.commands.bundle_run import config_path, parse_setting

SETTINGS = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]


def call(*arguments) -> dict:
    """Run a command that must succeed; standard output is one JSON object and nothing else."""
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a=5", ("a", 5)),
        ("a::b=2e-4", ("a::b", 2e-4)),
        ("a=[1, 2]", ("a", [1, 2])),
        ('a={"b": null}', ("a", {"b": None})),
        ("a=true", ("a", True)),
        ("a=cpu", ("a", "cpu")),
        ("a=$@b + 1", ("a", "$@b + 1")),
        ("a=b=c", ("a", "b=c")),
        ("a=", ("a", "")),
    ],
)
def test_settings_are_json_else_strings(written, read):
    assert parse_setting(written) == read


def test_configs_are_found_by_path_and_by_name(tmp_path):
    own = tmp_path / "quickstart"
    assert config_path("quickstart") == CONFIGS / "quickstart.json"
    assert config_path("recipes/t1_t2") == CONFIGS / "recipes" / "t1_t2.json"
    own.write_text("{}")
    assert config_path(own) == own


def test_train_translate_evaluate_in_a_row(toys, tmp_path):
    overlay = tmp_path / "mine.json"
    overlay.write_text(json.dumps({"cycle_weight": 7.0, "learning_rate": 0.5}))
    trained = call(
        "train", toys, tmp_path / "run", *SETTINGS, "--config", overlay, "--set", "learning_rate=0.001"
    )
    assert trained == {"run": str(tmp_path / "run"), "model": str(tmp_path / "run" / "model"), "failed": {}}
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    # The overlay is over the bundle, a setting is over the overlay.
    assert (config["cycle_weight"], config["learning_rate"]) == (7.0, 0.001)

    model = ["--model", trained["model"], "--to", "ct", "--split", "test"]
    translated = call("translate", toys, tmp_path / "synthetic", *model)
    assert translated["translated"] == ["mr_pair1"]

    scored = call("evaluate", toys, tmp_path / "scores", "--predictions", tmp_path / "synthetic")
    assert scored["failed"] == {}
    assert (tmp_path / "scores" / "metrics.csv").read_text().count("mr_pair1") >= 4


def test_resume_goes_on_to_a_later_end(toys, run, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    call("train", toys, out, *SETTINGS, "--set", "max_epochs=3", "--resume")
    rows = (out / "losses.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["iteration", "1", "2", "3", "4", "5", "6"]


def test_one_file_to_another(toys, run, tmp_path):
    model = ["--model", run / "model", "--to", "mr"]
    outcome = call("translate", toys / "ct_1.nii.gz", tmp_path / "new" / "mr.nii.gz", *model)
    assert outcome == {"output": str(tmp_path / "new" / "mr.nii.gz"), "translated": ["ct_1"], "failed": {}}
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"mr.nii.gz", "mr.json"}
