"""One version everywhere, complete constraints, and a `cyclevox` that works from any folder."""

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

import cyclevox

TOP = {"cyclevox.py", "bundle", "pipelines", "preprocessing", "evaluation"}


def run(*command: str | Path, folder: Path) -> str:
    """Run a command without any variable that could show Python the clone."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def requirement_names(lines: list[str]) -> set[str]:
    names = (re.split(r"[\s\[<>=!~;#]", line, maxsplit=1)[0] for line in lines)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names if name}


def test_version_is_the_same_everywhere(repository):
    citation = (repository / "CITATION.cff").read_text()
    changelog = (repository / "CHANGELOG.md").read_text()
    assert f"\nversion: {cyclevox.__version__}\n" in citation
    assert re.search(r"^## \[?([\d.]+)", changelog, re.MULTILINE).group(1) == cyclevox.__version__


def test_bundle_lies_beside_the_floors(repository):
    assert cyclevox.bundle_path() == repository / "bundle"


def test_broken_installation_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(cyclevox, "_HOME", tmp_path)
    with pytest.raises(FileNotFoundError, match="install cyclevox again"):
        cyclevox.bundle_path()


def test_constraints_pin_every_requirement(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = requirement_names(sum(project["optional-dependencies"].values(), project["dependencies"]))
    lines = (repository / "constraints.txt").read_text().splitlines()
    pinned = requirement_names(lines)
    assert wanted - {"cyclevox"} <= pinned
    assert "torch==2.13.0" in lines
    assert not [
        line for line in lines if line and line[0] != "#" and not re.fullmatch(r"[\w.-]+==[\w.]+", line)
    ]


def test_upper_bounds_give_their_reason(repository):
    lines = (repository / "pyproject.toml").read_text().splitlines()
    bounded = [(above, line) for above, line in pairwise(lines) if ",<" in line]
    assert len(bounded) >= 5
    assert [line for above, line in bounded if "#" not in line and not above.startswith("#")] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, repository) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # The clone's own hatchling builds it: a build environment of its own would need the package index.
    options = ("--wheel", "--no-isolation", "--outdir", folder)
    run(sys.executable, "-m", "build", *options, repository, folder=folder)
    (file,) = folder.glob("*.whl")
    return file


def environment_with(folder: Path, requirement: Path, *options: str) -> Path:
    """Make a virtual environment that sees the libraries of this one, install cyclevox there, give its bin/.

    Only pip's own `.pth` search is left out: an editable cyclevox of this environment must not be seen.
    """
    run(sys.executable, "-m", "venv", folder, folder=folder.parent)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--no-build-isolation", "--ignore-installed", *options, requirement, folder=folder.parent)
    return folder / "bin"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_wheel_holds_the_house_and_nothing_else(wheel, repository):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == TOP
    tracked = subprocess.run(
        ["git", "ls-files", *sorted(TOP)], cwd=repository, capture_output=True, text=True, check=True
    )
    assert set(tracked.stdout.split()) <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pt", ".pth"))]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["plain", "editable"])
def test_command_works_from_any_folder(kind, wheel, repository, tmp_path):
    target = (repository, "--editable") if kind == "editable" else (wheel,)
    binaries = environment_with(tmp_path / "environment", *target)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "bundle").mkdir(parents=True)
    assert run(binaries / "cyclevox", "--version", folder=elsewhere) == f"cyclevox {cyclevox.__version__}\n"
    assert "phantom" in run(binaries / "cyclevox", "--help", folder=elsewhere)
    show = "import cyclevox, preprocessing; print(cyclevox.bundle_path(), preprocessing.__file__, sep='\\n')"
    bundle, floor = map(Path, run(binaries / "python", "-c", show, folder=elsewhere).split("\n")[:2])
    home = (
        repository
        if kind == "editable"
        else next((tmp_path / "environment").glob("lib/python*/site-packages"))
    )
    assert bundle == home / "bundle"
    assert (bundle / "configs" / "metadata.json").is_file()
    assert floor == home / "preprocessing" / "__init__.py"


def test_installed_version_is_this_one():
    try:
        installed = importlib.metadata.version("cyclevox")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("cyclevox runs from its folder here, without an installation")
    assert installed == cyclevox.__version__
