"""MONAI's real command lines, in processes of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from toys import TINY

from preprocessing.cohort import read_cohort

pytestmark = pytest.mark.slow


def options(**values) -> list[str]:
    return [part for name, value in values.items() for part in (f"--{name}", str(value))]


def start(*arguments: str, folder: Path, repository: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=170)


def bundle(*arguments: str, folder: Path, repository: Path) -> subprocess.CompletedProcess[str]:
    return start("-m", "monai.bundle", "run", *arguments, folder=folder, repository=repository)


def tiny() -> list[str]:
    return options(**{name.replace("::", "#"): value for name, value in TINY.items()} | {"max_epochs": 1})


@pytest.mark.parametrize("inside", [True, False])
def test_training_runs_inside_the_bundle_and_from_the_root(repository, toys, tmp_path, inside):
    folder = repository / "bundle" if inside else repository
    place = ["configs/train.json"] if inside else ["bundle/configs/train.json", "--bundle_root", "bundle"]
    done = bundle(
        "training",
        "--config_file",
        *place,
        *options(dataset_dir=toys, output_dir=tmp_path / "run"),
        *tiny(),
        folder=folder,
        repository=repository,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model" / "model.json").is_file()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["network_def"]["width"] == 4


def test_preparation_runs_and_never_writes_into_the_bundle(repository, toys, tmp_path):
    before = set((repository / "bundle").rglob("*"))
    steps = {
        "_target_": "preprocessing.window.FixedWindow",
        "low": 0,
        "high": 100,
        "unit": "nominal",
    }
    overlay = tmp_path / "quick.json"
    overlay.write_text(json.dumps({"steps": {"mr": [steps], "ct": [steps]}}))
    done = bundle(
        "--config_file",
        f"['configs/preprocess.json','{overlay}']",
        *options(dataset_dir=toys, output_dir=tmp_path / "prepared"),
        folder=repository / "bundle",
        repository=repository,
    )
    assert done.returncode == 0, done.stderr
    assert len(read_cohort(tmp_path / "prepared")) == len(read_cohort(toys))
    assert set((repository / "bundle").rglob("*")) == before


@pytest.mark.parametrize("command", ["train", "translate"])
def test_users_see_the_progress_and_nothing_of_the_machinery(repository, toys, run, tmp_path, command):
    settings = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    arguments = {
        "train": ["train", str(toys), "run", *settings],
        "translate": ["translate", str(toys), "out", "--model", str(run / "model"), "--to", "ct"],
    }[command]
    code = f"import sys; sys.argv = {['cyclevox', *arguments, '--json']!r}; import cyclevox; cyclevox.main()"
    done = start("-c", code, folder=tmp_path, repository=repository)
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout))[-1] == "failed"
    lines = [line for line in re.split(r"[\r\n]+", done.stderr) if line.strip()]
    assert [line for line in lines if not line.startswith(command)] == []
    assert lines[-1].startswith(f"{command}: 100%")
