"""`cyclevox prepare` does the work once, lists what failed, and leaves nothing behind after wrong use."""

import json
import os
import subprocess
import sys

import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from pipelines.commands.app import app


def prepare(*arguments):
    return CliRunner().invoke(app, ["prepare", *map(str, arguments), "--recipe", "quickstart", "--json"])


@pytest.fixture(scope="module")
def hips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom") / "hips"
    order = ["phantom", str(folder), "--mr", "1", "--ct", "1", "--pairs", "0", "--size", "16"]
    assert CliRunner().invoke(app, order).exit_code == 0
    return folder


@pytest.mark.slow
def test_second_run_finds_everything_unchanged(hips, tmp_path):
    first, second = (prepare(hips, tmp_path / "out") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    assert (
        json.loads(first.stdout)["prepared"] == json.loads(second.stdout)["unchanged"] == ["mr_001", "ct_001"]
    )
    assert json.loads(second.stdout)["prepared"] == []


@pytest.mark.slow
def test_one_bad_case_is_listed_and_the_rest_is_done(hips, tmp_path):
    bad = hips / "images" / "ct_001.nii.gz"
    spoilt = sitk.Cast(sitk.ReadImage(str(bad)), sitk.sitkFloat32)
    spoilt[3, 3, 3] = float("nan")
    original = bad.read_bytes()
    try:
        sitk.WriteImage(spoilt, str(bad))
        result = prepare(hips, tmp_path / "out")
    finally:
        bad.write_bytes(original)
    assert result.exit_code == 1
    outcome = json.loads(result.stdout)
    assert outcome["prepared"] == ["mr_001"]
    assert list(outcome["failed"]) == ["ct_001"]
    assert str(bad) in outcome["failed"]["ct_001"]
    assert not list((tmp_path / "out").glob("ct_001*"))


@pytest.mark.slow
def test_missing_cohort_is_one_message_and_no_output(tmp_path, repository):
    """In a process of its own: what a user sees, with nothing of pytest's around it."""
    command = [sys.executable, "-c", "import cyclevox; cyclevox.main()", "prepare", "nowhere", "out"]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"cyclevox: cohort table {tmp_path / 'nowhere'}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
