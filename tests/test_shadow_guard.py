"""The door refuses foreign packages of our floors' names, whichever way they come, and accepts our own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cyclevox

FLOORS = ("preprocessing", "evaluation", "pipelines")
HOUSE = Path(cyclevox.__file__).parent


def python(code: str, *, folder: Path, house: Path = HOUSE) -> subprocess.CompletedProcess[str]:
    """Run code in a folder that comes before the house on the import path, as `python -m` puts it.

    With -S nothing else is on the path: an installed cyclevox must not stand in for what is missing.
    """
    command = [
        sys.executable,
        "-S",
        "-c",
        f"import sys; sys.path[:1] = [{str(folder)!r}, {str(house)!r}]; {code}",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize("form", ["package", "module"])
def test_users_own_package_is_named_with_a_remedy(tmp_path, floor, form):
    in_the_way = tmp_path / floor if form == "package" else tmp_path / f"{floor}.py"
    file = in_the_way / "__init__.py" if form == "package" else in_the_way
    file.parent.mkdir(exist_ok=True)
    file.write_text("raise SystemExit('the guard ran the code of the foreign package')")
    done = python("import cyclevox", folder=tmp_path)
    assert done.returncode == 1
    assert f"ImportError: cyclevox expects its own package '{floor}' from {HOUSE / floor}" in done.stderr
    assert f"but {in_the_way.resolve()} comes first" in done.stderr
    assert f"rename {in_the_way.resolve()}" in done.stderr


def test_package_loaded_earlier_is_refused_too(tmp_path):
    elsewhere = tmp_path / "library" / "evaluation"
    elsewhere.mkdir(parents=True)
    (elsewhere / "__init__.py").touch()
    load = (
        f"sys.path.insert(0, {str(elsewhere.parent)!r}); import evaluation; sys.path.pop(0); import cyclevox"
    )
    done = python(load, folder=tmp_path)
    assert done.returncode == 1
    assert f"{elsewhere.resolve()} comes first" in done.stderr


def test_namespace_folder_of_the_same_name_hides_nothing(tmp_path):
    """A folder without `__init__.py` (of data, say) yields to our package in the import system."""
    (tmp_path / "preprocessing").mkdir()
    show = "import cyclevox, preprocessing; print(preprocessing.__file__)"
    assert python(show, folder=tmp_path).stdout.strip() == str(HOUSE / "preprocessing" / "__init__.py")


def test_clone_before_an_installation_is_our_own(tmp_path):
    clone = tmp_path / "clone"
    for floor in FLOORS:
        (clone / floor).mkdir(parents=True)
        (clone / floor / "__init__.py").touch()
    shutil.copy(HOUSE / "cyclevox.py", clone)
    load_ours_then_see_the_clone = (
        f"sys.path.insert(0, {str(clone)!r}); import preprocessing; sys.path.pop(0); import cyclevox"
    )
    assert python(load_ours_then_see_the_clone, folder=tmp_path).returncode == 0
    (clone / "cyclevox.py").write_text("a module of someone else")
    assert python(load_ours_then_see_the_clone, folder=tmp_path).returncode == 1


def test_missing_floor_is_said(tmp_path):
    shutil.copy(HOUSE / "cyclevox.py", tmp_path)
    done = python("import cyclevox", folder=tmp_path, house=tmp_path)
    assert "expects its package 'preprocessing'" in done.stderr
    assert "install cyclevox again" in done.stderr


def test_door_opens_light(tmp_path):
    heavy = ("torch", "monai", "numpy", "SimpleITK", "typer")
    code = f"import sys, cyclevox; print([name for name in {heavy!r} if name in sys.modules])"
    assert python(code, folder=tmp_path).stdout.strip() == "[]"


@pytest.mark.slow
def test_bundle_started_in_a_users_folder_says_what_is_in_the_way(tmp_path):
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "preprocessing" / "__init__.py").touch()
    config = {"imports": ["$import cyclevox"], "initialize": ["$cyclevox.check_packages()"], "run": ["$1"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        "config.json",
        "--bundle_root",
        ".",
    ]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert f"{(tmp_path / 'preprocessing').resolve()} comes first on the import path" in done.stderr


def test_every_config_calls_the_guard_first():
    configs = {
        path.name: json.loads(path.read_text()) for path in (HOUSE / "bundle" / "configs").glob("**/*.json")
    }
    importing = {name: config for name, config in configs.items() if "imports" in config}
    starting = {name: config for name, config in configs.items() if "initialize" in config}
    assert {"preprocess.json", "train.json", "inference.json"} <= set(importing) & set(starting)
    assert {config["imports"][0] for config in importing.values()} == {"$import cyclevox"}
    assert {config["initialize"][0] for config in starting.values()} == {"$cyclevox.check_packages()"}
