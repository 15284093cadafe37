"""Bad input: exit code 2, one message with what was wanted, what came, where, what to do; nothing written.

Every case goes through the command as a user types it, in this process.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from toys import CONFIGS, TINY
from typer.testing import CliRunner

from pipelines.commands.app import app

SETTINGS = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]


@dataclass
class Workplace:
    """A user's folder: a cohort to spoil, a trained model, and places for output."""

    folder: Path
    cohort: Path
    model: Path

    @property
    def out(self) -> Path:
        return self.folder / "new" / "out"

    def command(self, name: str) -> list[str]:
        return {
            "prepare": ["prepare", str(self.cohort), str(self.out)],
            "train": ["train", str(self.cohort), str(self.out), *SETTINGS],
            "translate": ["translate", str(self.cohort), str(self.out), *self.translator],
            "evaluate": ["evaluate", str(self.cohort), str(self.out), "--predictions", str(self.cohort)],
        }[name]

    @property
    def translator(self) -> list[str]:
        return ["--model", str(self.model), "--to", "ct"]

    def cell(self, case: str, column: str, value: str) -> None:
        table = pd.read_csv(self.cohort / "cohort.csv", dtype=str, keep_default_na=False).set_index("case")
        table.loc[case, column] = value
        table.reset_index().to_csv(self.cohort / "cohort.csv", index=False)

    def content(self) -> dict[str, bytes]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


@pytest.fixture
def place(toys, run, tmp_path) -> Workplace:
    """A copy of everything, to be spoilt."""
    cohort = shutil.copytree(toys, tmp_path / "cohort")
    return Workplace(tmp_path, cohort, shutil.copytree(run / "model", tmp_path / "model"))


def refuse(place: Workplace, arguments: list[str], *named: str) -> str:
    """Run a command that must be refused; gives its message."""
    before = place.content()
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 2, (result.stdout, result.stderr, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    # Progress bars come before; what is said comes once, and last.
    _, mark, message = result.stderr.rpartition("cyclevox: ")
    assert mark, result.stderr
    assert result.stderr.count("cyclevox: ") == 1
    assert "Traceback" not in result.stderr
    for part in named:
        assert part in message, message
    assert place.content() == before
    assert not place.out.exists()
    return message


def save(path: Path, voxels: np.ndarray) -> None:
    affine = nib.load(path).affine if path.exists() else np.eye(4)
    nib.save(nib.Nifti1Image(voxels.astype(np.float32), affine), path)


def empty(place: Workplace) -> None:
    header = (place.cohort / "cohort.csv").read_text().splitlines()[0]
    (place.cohort / "cohort.csv").write_text(header + "\n")


def missing_file(place: Workplace) -> None:
    (place.cohort / "ct_1.nii.gz").unlink()


def label_of_another_shape(place: Workplace) -> None:
    save(place.cohort / "label.nii.gz", np.zeros((5, 6, 7)))
    place.cell("ct_1", "label", "label.nii.gz")


def patient_in_two_splits(place: Workplace) -> None:
    place.cell("mr_3", "patient", "mr_1")


def two_dimensional(place: Workplace) -> None:
    save(place.cohort / "mr_1.nii.gz", np.zeros((20, 16)))


def four_dimensional(place: Workplace) -> None:
    save(place.cohort / "mr_1.nii.gz", np.zeros((20, 4, 16, 3)))


def truncated(place: Workplace) -> None:
    path = place.cohort / "mr_1.nii.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:2000]))


def cut_in_the_middle(place: Workplace) -> None:
    path = place.cohort / "mr_1.nii.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def nan_voxels(place: Workplace) -> None:
    path = place.cohort / "mr_1.nii.gz"
    voxels = np.asarray(nib.load(path).dataobj).copy()
    voxels[1, 2, 3] = np.nan
    save(path, voxels)


FAULTS: dict[Callable[[Workplace], None], tuple[str, ...]] = {
    empty: ("cohort.csv", "expected at least one case, found none", "add a row"),
    missing_file: ("case ct_1", "ct_1.nii.gz", "expected a file, found none", "correct the path"),
    label_of_another_shape: ("case ct_1, label", "(20, 4, 16) against (5, 6, 7)", "reslice it"),
    patient_in_two_splits: ("patient mr_1", "train, validation", "keep all scans"),
    two_dimensional: ("case mr_1", "mr_1.nii.gz", "expected a 3D volume, found 2 dimensions"),
    four_dimensional: ("case mr_1", "mr_1.nii.gz", "expected a 3D volume, found 4 dimensions (20, 4, 16, 3)"),
    truncated: ("case mr_1", "mr_1.nii.gz", "found 2000 bytes", "copy or export it again"),
    cut_in_the_middle: ("case mr_1", "mr_1.nii.gz", "cut or damaged"),
}
"""Faults that a cohort's table and headers show, and what must be said of them."""


TABLE_FAULTS = (empty, patient_in_two_splits)
"""Faults of the table as a whole; the others are of one case, and `prepare` does the rest."""
FILE_FAULTS = tuple(fault for fault in FAULTS if fault not in TABLE_FAULTS)


@pytest.mark.parametrize("command", ["train", "translate", "evaluate"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_faulty_cohorts_are_refused_by_every_command(place, fault, command):
    fault(place)
    refuse(place, place.command(command), *FAULTS[fault])


@pytest.mark.parametrize("fault", TABLE_FAULTS, ids=lambda fault: fault.__name__)
def test_faulty_tables_are_not_prepared(place, fault):
    fault(place)
    refuse(place, place.command("prepare"), *FAULTS[fault])


@pytest.mark.parametrize("fault", FILE_FAULTS, ids=lambda fault: fault.__name__)
def test_one_bad_file_is_listed_and_the_rest_is_prepared(place, fault):
    fault(place)
    result = CliRunner().invoke(app, [*place.command("prepare"), "--json"])
    assert result.exit_code == 1, result.stderr
    outcome = json.loads(result.stdout)
    (message,) = outcome["failed"].values()
    for part in FAULTS[fault]:
        assert part in message
    assert outcome["prepared"]
    assert not set(outcome["prepared"]) & set(outcome["failed"])


def test_all_faults_are_listed_at_once(place):
    for fault in (missing_file, two_dimensional):
        fault(place)
    message = refuse(place, place.command("train"), *FAULTS[missing_file], *FAULTS[two_dimensional])
    assert "2 fault(s)" in message


@pytest.mark.parametrize("command", ["prepare", "train", "translate", "evaluate"])
def test_a_cohort_that_is_not_there_is_refused(place, command):
    shutil.rmtree(place.cohort)
    refuse(place, place.command(command), str(place.cohort), "correct the path")


def test_nan_voxels_stop_a_training(place):
    nan_voxels(place)
    refuse(place, place.command("train"), "case mr_1", "mr_1.nii.gz", "1 of 1280 voxels NaN", "replace them")


@pytest.mark.parametrize(
    "fault", [nan_voxels, truncated, two_dimensional, four_dimensional], ids=lambda fault: fault.__name__
)
def test_a_single_bad_file_is_not_translated(place, fault):
    fault(place)
    file = place.cohort / "mr_1.nii.gz"
    output = place.out.with_suffix(".nii.gz")
    refuse(place, ["translate", str(file), str(output), *place.translator], "mr_1", str(file))


def test_one_bad_case_of_a_translated_cohort_is_listed_and_the_rest_is_done(place):
    nan_voxels(place)
    result = CliRunner().invoke(app, [*place.command("translate"), "--json"])
    assert result.exit_code == 1, result.stderr
    outcome = json.loads(result.stdout)
    assert outcome["translated"] == ["mr_2", "mr_3", "mr_pair1"]
    assert "1 of 1280 voxels NaN" in outcome["failed"]["mr_1"]


def test_a_missing_input_is_no_cohort(place):
    output = place.out.with_suffix(".nii.gz")
    refuse(place, ["translate", "nowhere.nii.gz", str(output), *place.translator], "nowhere.nii.gz")


@pytest.mark.parametrize("side", ["source", "target"])
def test_training_between_unknown_domains_names_the_known_ones(place, side):
    arguments = [*place.command("train"), "--set", f"{side}=pet"]
    refuse(place, arguments, "ct, mr", "'pet'")


def test_translating_to_an_unknown_domain_names_the_known_ones(place):
    arguments = ["translate", str(place.cohort), str(place.out), "--model", str(place.model), "--to", "xyz"]
    refuse(place, arguments, "'ct' or 'mr'", "'xyz'", "--to")


def test_an_unknown_split_names_the_known_ones(place):
    refuse(place, [*place.command("translate"), "--split", "tset"], "train, validation, test", "'tset'")


def test_what_is_no_model_folder_is_refused(place):
    arguments = ["translate", str(place.cohort), str(place.out), "--model", str(place.cohort), "--to", "ct"]
    refuse(place, arguments, "model.json", str(place.cohort), "Give the `model` folder")


def test_weights_of_another_architecture_are_refused(place):
    weights = place.model / "generator_to_ct.pt"
    state = torch.load(weights, weights_only=True)
    torch.save({name: value.repeat(*[2] * value.ndim) for name, value in state.items()}, weights)
    refuse(place, place.command("translate"), str(weights), "layers.1.bias: wanted (4,), found (8,)")


def test_missing_and_damaged_weights_are_refused(place):
    weights = place.model / "generator_to_ct.pt"
    weights.write_bytes(weights.read_bytes()[:1000])
    refuse(place, place.command("translate"), str(weights), "damaged", "train anew")
    weights.unlink()
    refuse(place, place.command("translate"), str(weights), "no such file")


def test_resuming_with_another_architecture_is_refused(place, run):
    out = shutil.copytree(run, place.folder / "run")
    changed = ["--set", "network_def::width=8", "--set", "max_epochs=3", "--resume"]
    arguments = ["train", str(place.cohort), str(out), *SETTINGS, *changed]
    refuse(place, arguments, "iteration_00000004.pt", "wanted (8,), found (4,)", "width, blocks")


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("max_epoch=5", "max_epochs"),
        ("learning_rat=0.1", "learning_rate"),
        ("network_def::widht=4", "network_def::width"),
        ("train::trainer::max_epoch=3", "train::trainer::max_epochs"),
        ("train#trainer#max_epoch=3", "train::trainer::max_epochs"),
        ("zzz=1", "none"),
    ],
)
def test_unknown_ids_are_refused_with_the_nearest(place, written, nearest):
    message = refuse(place, [*place.command("train"), "--set", written], "unknown id", "train.json")
    assert nearest in message.partition("nearest:")[2]


def test_every_unknown_id_is_named(place):
    arguments = [*place.command("train"), "--set", "max_epoch=5", "--set", "sead=3"]
    refuse(place, arguments, "'max_epoch'", "'sead'", "seed")


@pytest.mark.parametrize("written", ["max_epochs", "=5", ""])
def test_settings_without_id_or_value_are_refused(place, written):
    refuse(place, [*place.command("train"), "--set", written], "id=value", repr(written))


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("train", "output_dir"),
        ("train", "dataset_dir"),
        ("train", "resume"),
        ("evaluate", "output_dir"),
        ("evaluate", "predictions"),
    ],
)
def test_settings_that_the_arguments_would_override_are_refused(place, command, written):
    refuse(place, [*place.command(command), "--set", f"{written}=elsewhere"], written, "arguments of")


@pytest.mark.parametrize(("command", "option"), [("train", "--config"), ("prepare", "--recipe")])
def test_a_config_that_is_not_there_names_the_bundles_own(place, command, option):
    refuse(place, [*place.command(command), option, "quikstart"], "quikstart", "quickstart")


@pytest.mark.parametrize(("command", "option"), [("train", "--config"), ("prepare", "--recipe")])
def test_a_config_that_is_no_json_is_refused(place, command, option):
    broken = place.folder / "broken.json"
    broken.write_text("{max_epochs: 5")
    message = refuse(place, [*place.command(command), option, str(broken)], "broken.json", "JSON")
    assert str(CONFIGS) not in message


def test_a_config_that_is_no_table_is_refused(place):
    listed = place.folder / "list.json"
    listed.write_text("[1, 2]")
    refuse(place, [*place.command("train"), "--config", str(listed)], "list.json", "found a list")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("precision=float8", ("'float8'", "float32, bfloat16")),
        ("network_def::norm=layer", ("'layer'", "batch")),
        ("patch_mm=-3", ("-3", "positive millimetres")),
        ("constant_iterations=-1", ("constant=-1",)),
    ],
)
def test_values_that_cannot_be_are_refused_naming_what_can(place, written, named):
    refuse(place, [*place.command("train"), "--set", written], *named)


def test_an_existing_run_is_not_trained_over(place, run):
    out = shutil.copytree(run, place.folder / "run")
    refuse(place, ["train", str(place.cohort), str(out), *SETTINGS], str(out), "--resume")


def test_nothing_to_resume_is_said(place):
    refuse(place, [*place.command("train"), "--resume"], "found none", "without --resume")


@pytest.mark.slow
def test_a_users_own_packages_hide_nothing_from_the_command(place, repository):
    """A console script has its own folder on the path, not the working one; for `python -m` see the guard."""
    for name in ("preprocessing", "pipelines", "evaluation", "bundle"):
        (place.folder / name).mkdir()
        (place.folder / name / "__init__.py").write_text("raise SystemExit('a foreign package ran')")
    script = place.folder / "bin" / "cyclevox"
    script.parent.mkdir()
    script.write_text("import cyclevox\ncyclevox.main()\n")
    command = [sys.executable, str(script), *place.command("translate"), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=place.folder, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["translated"] == ["mr_1", "mr_2", "mr_3", "mr_pair1"]
