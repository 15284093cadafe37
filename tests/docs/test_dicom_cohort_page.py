"""The way from a DICOM export to a trained model goes by the commands that its page prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from preprocessing.cohort import read_cohort

PAGE = "docs/howto/dicom_cohort.md"
COMMANDS = ["phantom", "import", "cohort", "prepare", "train", "translate", "evaluate"]


def printed_commands(page: str) -> list[str]:
    """The commands of the page's one shell block, each in one line."""
    (block,) = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    return block.replace("\\\n", " ").strip().splitlines()


def promised_exit(command: str) -> int:
    said = re.search(r"# exit code (\d)", command)
    return int(said[1]) if said else 0


@pytest.fixture
def shell(repository, tmp_path):
    """Runs a line as a user does, in an empty folder, with `cyclevox` on the path."""
    door = tmp_path / "bin" / "cyclevox"
    door.parent.mkdir()
    door.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import cyclevox; cyclevox.main()" "$@"\n')
    door.chmod(0o755)
    path = f"{door.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500
        )

    return run


@pytest.mark.slow
@pytest.mark.service
@pytest.mark.timeout(900)
def test_the_printed_commands_go_from_dicom_to_scores(repository, shell, tmp_path):
    commands = printed_commands((repository / PAGE).read_text(encoding="utf-8"))
    assert [line.split()[1] for line in commands] == COMMANDS
    for line in commands:
        done = shell(line)
        assert done.returncode == promised_exit(line), f"{line}\n{done.stdout}\n{done.stderr}"
    assert_whole(tmp_path / "runs")


def assert_whole(runs: Path) -> None:
    series, rejected = (pd.read_csv(runs / "imported" / f"{name}.csv") for name in ("series", "rejected"))
    assert series["modality"].value_counts().to_dict() == {"MR": 6, "CT": 6}
    refused = rejected[rejected["image"] == "yes"]["reason"]
    assert refused.value_counts().to_dict() == {"localizer": 6, "secondary_capture": 6}
    prepared = read_cohort(runs / "prepared")
    assert len(prepared) == 12
    assert sum(case.pair is not None for case in prepared) == 4, "both candidates should have become pairs"
    scores = pd.read_csv(runs / "scores" / "metrics.csv")
    tested = {case.case for case in prepared.select(domain="mr", split="test")}
    assert set(scores["case"]) <= tested
    errors = scores[scores["metric"] == "windowed_mae"]
    assert not errors.empty
    assert errors["value"].between(0, 255, inclusive="neither").all()
    assert (errors["region"] == "body&coverage").all()
