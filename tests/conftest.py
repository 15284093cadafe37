"""Shared by all tests: shape checks, a picture back end without a screen, and the way to real data."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

os.environ.setdefault("MPLBACKEND", "Agg")

# Before any test imports them: every call of an annotated function then has its array shapes checked.
install_import_hook(
    ["preprocessing", "evaluation", "pipelines.losses", "pipelines.data"], "typechecking.check"
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the clone."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scans that CYCLEVOX_DATA names; where it is absent the test is skipped."""
    folder = Path(os.environ.get("CYCLEVOX_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real scans in {folder}: set CYCLEVOX_DATA to the folder that holds them")
    return folder
