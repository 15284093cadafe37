"""`cyclevox import` and `cyclevox cohort` as a user calls them: exit codes, one JSON object, a cohort."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from dicom_toys import header, mr, save, toy_series
from typer.testing import CliRunner

from pipelines.commands.app import app
from preprocessing.cohort import read_cohort

PLACES = (0, 2, 4)


def cyclevox(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--json"])


def do_import(source, output, *options):
    return cyclevox("import", source, output, "--workers", 0, *options)


@pytest.fixture
def export(tmp_path):
    for number in range(3):
        own = {"PatientID": f"ID{number}", "StudyInstanceUID": f"1.2.{number}"}
        toy_series(tmp_path / "in" / f"{number}", PLACES, SeriesInstanceUID=f"1.2.{number}.1", **own)
        toy_series(
            tmp_path / "in" / f"{number}" / "x", PLACES, **mr(SeriesInstanceUID=f"1.2.{number}.2", **own)
        )
    return tmp_path / "in"


def test_all_fine_is_0_and_a_cohort_follows(export, tmp_path):
    first, second = (do_import(export, tmp_path / "out") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    counts = [json.loads(done.stdout) for done in (first, second)]
    assert [(found["imported"], found["unchanged"]) for found in counts] == [(6, 0), (0, 6)]
    assert [found["patients"] for found in counts] == [3, 3]
    (group,) = counts[0]["perhaps_one_patient"]  # the toys share a frame of reference
    assert len(group.split()) == 3
    rules = ("--domain", "mr=modality == 'MR'", "--domain", "ct=modality == 'CT' and spacing_z <= 3")
    done = cyclevox(
        "cohort", tmp_path / "out" / "series.csv", tmp_path / "c", *rules, "--split", "34/33/33", "--pairs"
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cases"] == {domain: {"train": 1, "validation": 1, "test": 1} for domain in ("mr", "ct")}
    assert (found["candidates"], found["written"]) == (3, True)
    assert len(read_cohort(tmp_path / "c")) == 6


def test_refused_series_is_1_and_the_rest_is_done(export, tmp_path):
    toy_series(export / "gap", (0, 2, 6), SeriesInstanceUID="1.2.9")
    done = do_import(export, tmp_path / "out")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["imported"] == 6
    ((source, message),) = found["failed"].items()
    assert message.startswith("missing_slice: expected")
    assert source in (tmp_path / "out" / "rejected.csv").read_text()
    assert do_import(export, tmp_path / "out", "--repair").exit_code == 0


def test_report_objects_alone_leave_it_0(export, tmp_path):
    save(header(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR"), export / "report")
    done = do_import(export, tmp_path / "out")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["no_images"] == 1
    assert "not_an_image" in (tmp_path / "out" / "rejected.csv").read_text()


def test_wrong_use_is_2_and_writes_nothing(export, tmp_path):
    assert do_import(tmp_path / "nowhere", tmp_path / "out").exit_code == 2
    assert do_import(export, export).exit_code == 2
    assert cyclevox("import", export, tmp_path / "out", "--workers", -1).exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--domain", "mr"), "NAME=RULE"),
        (("--domain", "mr="), "NAME=RULE"),
        (("--domain", "a=slices > 0", "--domain", "a=slices > 1"), "each name once"),
        (("--domain", "m r=slices > 0"), "letters and digits"),
        (("--domain", "mr=modalty == 'MR'"), "did you mean 'modality'"),
        (("--domain", "mr=__import__('os')"), "expected"),
        (("--domain", "mr=slices > 0", "--split", "1/2/3"), "70/15/15"),
        (("--domain", "mr=slices > 0", "--patient", "x"), "column of patients"),
        (("--domain", "mr=slices > 999"), "found none"),
    ],
)
def test_wrong_rules_are_2_with_one_message(export, tmp_path, options, said):
    do_import(export, tmp_path / "out")
    done = cyclevox("cohort", tmp_path / "out" / "series.csv", tmp_path / "c", *options)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert not (tmp_path / "c").exists()


def test_cohort_of_another_is_2_unless_forced(export, tmp_path):
    do_import(export, tmp_path / "out")
    order = ("cohort", tmp_path / "out" / "series.csv", tmp_path / "c", "--domain")
    assert [cyclevox(*order, "mr=slices > 0").exit_code for _ in range(2)] == [0, 0]
    assert cyclevox(*order, "ct=slices > 0").exit_code == 2
    assert cyclevox(*order, "ct=slices > 0", "--force").exit_code == 0


@pytest.mark.service
def test_killed_import_continues_with_the_same_names(tmp_path, repository):
    """SIGKILL of the whole process after its first volumes; workers must not go on alone."""
    for number in range(12):
        toy_series(tmp_path / "in" / f"{number}", range(30), SeriesInstanceUID=f"1.2.{number}")
    command = [
        sys.executable,
        "-c",
        "import cyclevox; cyclevox.main()",
        "import",
        "in",
        "out",
        "--workers",
        "2",
    ]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while running.poll() is None and not list((tmp_path / "out").glob("p*/s*.nii.gz")):
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    time.sleep(2)  # for workers, which end when they have nobody to answer
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("p*/s*.nii.gz")}
    time.sleep(1)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("p*/s*.nii.gz")} == left
    done = subprocess.run(
        [*command, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["imported"] + found["unchanged"] == 12
    assert found["left_over"] == 0
    assert len(list((tmp_path / "out").glob("p*/s*.nii.gz"))) == 12
    assert not list((tmp_path / "out").rglob(".partial*"))
