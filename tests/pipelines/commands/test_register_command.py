"""`cyclevox register` writes everything or nothing, says its verdict, and refuses by file."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from pipelines.commands.app import app
from preprocessing.phantom.scan_grids import make_grid
from preprocessing.volume import read_volume, write_volume

OUTPUTS = {"registered.nii.gz", "coverage.nii.gz", "transform.tfm", "quality.json", "registration.png"}


def register(*arguments):
    return CliRunner().invoke(app, ["register", *map(str, arguments), "--json"])


def write_body(path, levels, *, axes, size, shift=(0.0, 0.0, 0.0)):
    """A body with three organs, at 5 mm."""
    grid = make_grid(centre=(0.0, 0.0, 0.0), axes=axes, size=size, spacing=(5.0, 5.0, 5.0))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in size], indexing="ij"), -1)
    where = index @ grid.affine_lps[:3, :3].T + grid.affine_lps[:3, 3] - np.array(shift)
    found = ((where / np.array([75, 55, 88])) ** 2).sum(-1) < 1
    value = np.where(found, levels[1], levels[0])
    for place, radii, level in (
        ((-35, 5, 20), (18, 22, 34), levels[2]),
        ((30, -20, 35), (22, 14, 18), levels[3]),
        ((25, 18, -35), (14, 14, 26), levels[2]),
    ):
        value[(((where - np.array(place)) / np.array(radii)) ** 2).sum(-1) < 1] = level
    image = sitk.GetImageFromArray(value.T.astype(np.float32))
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    write_volume(image, path)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An MR, and a CT of the same body 20 mm away."""
    folder = tmp_path_factory.mktemp("scans")
    mr = write_body(folder / "mr.nii.gz", (2, 45, 90, 20), axes="LIP", size=(40, 44, 30))
    ct = write_body(
        folder / "ct.nii.gz", (-1000, 50, -90, 500), axes="LPS", size=(44, 40, 50), shift=(12, 0, -16)
    )
    return mr, ct


@pytest.fixture(scope="module")
def registered(files, tmp_path_factory):
    """The outcome and its folder."""
    out = tmp_path_factory.mktemp("out") / "here"
    return register(*files, out), out


def test_everything_is_written_and_the_verdict_is_printed(registered):
    result, out = registered
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in out.iterdir()} == OUTPUTS
    printed, record = json.loads(result.stdout), json.loads((out / "quality.json").read_text())
    assert printed["verdict"] == record["verdict"] == "accept"
    assert printed["failed"] == {}
    assert record["stages"] == ["moments", "rigid"]


def test_the_transform_reproduces_the_volume(files, registered):
    _, out = registered
    fixed, moving = (read_volume(path) for path in files)
    transform = sitk.ReadTransform(str(out / "transform.tfm"))
    again = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, -1000.0)
    written = read_volume(out / "registered.nii.gz")
    difference = sitk.GetArrayFromImage(again) - sitk.GetArrayFromImage(written)
    assert np.abs(difference).max() < 0.05
    moved = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    assert np.linalg.norm(moved - [12, 0, -16]) < 1.0


def test_landmarks_begin_and_a_wrong_set_is_rejected(files, tmp_path):
    points = {"a": [0, 0, 0], "b": [40, 10, 0], "c": [0, 30, 40]}
    wrong = {"a": [60, 0, 0], "b": [0, -50, 30], "c": [-10, 0, -40]}
    path = tmp_path / "points.json"
    path.write_text(json.dumps({"frame": "LPS", "unit": "mm", "fixed": points, "moving": wrong}))
    result = register(*files, tmp_path / "out", "--landmarks", path)
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert printed["verdict"] == "reject"
    assert "landmark_error" in printed["failed"]["ct.nii.gz"]
    assert printed["stages"][0] == "landmarks"
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS


def test_wrong_use_names_the_file_and_writes_nothing(files, tmp_path):
    mr, _ = files
    flat = tmp_path / "flat.nii.gz"
    sitk.WriteImage(sitk.Image(20, 20, sitk.sitkFloat32), str(flat))
    empty = tmp_path / "empty.nii.gz"
    write_volume(sitk.Image(20, 20, 20, sitk.sitkFloat32), empty)
    for moving, said in (
        (tmp_path / "none.nii.gz", "none.nii.gz"),
        (flat, "flat.nii.gz"),
        (empty, "empty.nii.gz"),
    ):
        result = register(mr, moving, tmp_path / "out")
        assert result.exit_code == 2
        assert said in result.stderr
        assert not (tmp_path / "out").exists()


def test_an_input_is_never_overwritten(files, tmp_path):
    mr, ct = files
    inside = tmp_path / "registered.nii.gz"
    inside.write_bytes(ct.read_bytes())
    result = register(mr, inside, tmp_path)
    assert result.exit_code == 2
    assert "overwritten" in result.stderr
    assert inside.read_bytes() == ct.read_bytes()
