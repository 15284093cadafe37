"""One toy cohort and one tiny training for all tests of the top floor and the bundle."""

import logging
from pathlib import Path

import pytest
from toys import toy_cohort, train


@pytest.fixture(autouse=True)
def logging_as_before():
    """The bundle's logging file points the root at this test's standard error, which ends with the test."""
    before, level = list(logging.root.handlers), logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = before, level


@pytest.fixture(scope="session")
def toys(tmp_path_factory) -> Path:
    """A toy cohort without sidecars: train and validation rows, and a test pair."""
    return toy_cohort(tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="session")
def run(toys, tmp_path_factory) -> Path:
    """The run folder of a training of four iterations on the toy cohort."""
    output = tmp_path_factory.mktemp("runs") / "whole"
    train(toys, output)
    return output
