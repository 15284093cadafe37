"""`cyclevox phantom` writes what it was asked for, and nothing when it was asked for nonsense."""

import json

import pandas as pd
from typer.testing import CliRunner

from pipelines.commands.app import app


def phantom(*arguments):
    return CliRunner().invoke(app, ["phantom", *map(str, arguments), "--size", "16"])


def test_phantom_writes_the_cohort_it_names(tmp_path):
    result = phantom(tmp_path / "hips", "--mr", 1, "--ct", 1, "--pairs", 0, "--labelled-ct", 1, "--json")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(json.loads(result.stdout)["cohort"])
    assert table.groupby("domain").size().to_dict() == {"ct": 1, "mr": 1}
    assert table.set_index("domain")["label"].notna().to_dict() == {"ct": True, "mr": False}
    assert all((tmp_path / "hips" / image).is_file() for image in table["image"])


def test_phantom_writes_dicom_and_names_the_tree_and_its_truth(tmp_path):
    result = phantom(tmp_path / "hips", "--mr", 1, "--ct", 0, "--pairs", 0, "--format", "dicom", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    table = pd.read_csv(said["series"])
    assert set(table["kind"]) == {"coronal", "localizer"}
    assert said["dicom"] == str(tmp_path / "hips/dicom")
    for folder, files in zip(table["folder"], table["files"], strict=True):
        assert len(list((tmp_path / "hips" / folder).iterdir())) == files


def test_more_labels_than_scans_is_wrong_use_and_writes_nothing(tmp_path):
    result = phantom(tmp_path / "hips", "--mr", 1, "--ct", 1, "--labelled-ct", 2)
    assert result.exit_code == 2
    assert "expected --labelled-ct at most --ct, found 2 of 1" in result.stderr
    assert not (tmp_path / "hips").exists()
