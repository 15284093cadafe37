"""`cyclevox prepare` does the work once, lists what failed, and leaves nothing behind after wrong use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from pipelines.commands.app import app

CONFIGS = ("preprocess.json", "quickstart.json")


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
    page = Path(json.loads(second.stdout)["overview"])
    assert page == tmp_path / "out" / "overview.html"
    assert page.read_text().count("<img ") == 2


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
def test_a_file_that_is_cut_fails_its_case_only(hips, tmp_path):
    bad = hips / "images" / "mr_001.nii.gz"
    original = bad.read_bytes()
    try:
        bad.write_bytes(original[:-50])
        result = prepare(hips, tmp_path / "out")
    finally:
        bad.write_bytes(original)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["prepared"] == ["ct_001"]
    assert "the file is cut or damaged" in json.loads(result.stdout)["failed"]["mr_001"]
    assert "the file is cut or damaged" in (tmp_path / "out" / "overview.html").read_text()


@pytest.mark.service
@pytest.mark.timeout(500)
def test_workers_and_a_bundle_run_with_them_give_the_same_bytes(hips, tmp_path, repository):
    """In processes of their own, with the bundle's logging and nothing of pytest's around them."""
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, "-c", "import cyclevox; cyclevox.main()", "prepare", str(hips)]
    runs = {
        "here": [*command, "here", "--workers", "0", "--recipe", "quickstart"],
        "there": [*command, "there", "--workers", "2", "--recipe", "quickstart"],
        "bundle": [
            *(sys.executable, "-m", "monai.bundle", "run", "--bundle_root", str(repository / "bundle")),
            *("--config_file", f"{[str(repository / 'bundle/configs' / name) for name in CONFIGS]}"),
            *("--dataset_dir", str(hips), "--output_dir", "bundle", "--workers", "2"),
        ],
    }
    written = {}
    for name, order in runs.items():
        done = subprocess.run(
            order, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=170
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        written[name] = {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.nii.gz")}
    assert len(written["here"]) == 4
    assert written["here"] == written["there"] == written["bundle"]


def test_wrong_use_of_workers_is_one_message(tmp_path):
    both = prepare(tmp_path / "none", tmp_path / "out", "--workers", "2", "--scheduler", "tcp://127.0.0.1:9")
    assert both.exit_code == 2
    assert "Wanted --workers or --scheduler, found both" in both.stderr
    assert prepare(tmp_path / "none", tmp_path / "out", "--workers", "-1").exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_one_message_in_seconds(hips, tmp_path):
    result = prepare(hips, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert result.exit_code == 2
    assert "scheduler tcp://127.0.0.1:9: expected a Dask scheduler" in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_foreign_cohort_is_not_replaced(hips, tmp_path):
    (tmp_path / "cohort.csv").write_text("mine")
    result = prepare(hips, tmp_path)
    assert result.exit_code == 2
    assert "found cohort.csv and no preparation record" in result.stderr
    assert (tmp_path / "cohort.csv").read_text() == "mine"


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
