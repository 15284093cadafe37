"""Results go to standard output, everything else to standard error, and the exit code says how it went."""

import json
import math

import pytest
import typer

from pipelines.commands.outcome import Outcome, UsageError, by_case, conclude
from pipelines.training.schedule import ConstantThenLinear


def end(work, *, as_json=False) -> int:
    with pytest.raises(typer.Exit) as ending:
        conclude(work, as_json=as_json)
    return ending.value.exit_code


def test_json_is_one_object_whatever_the_work_prints(capsys):
    def work() -> Outcome:
        print("a library's own line")
        return Outcome(results={"cohort": "out/cohort.csv", "mae": 12.5})

    assert end(work, as_json=True) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"cohort": "out/cohort.csv", "mae": 12.5, "failed": {}}
    assert err == "a library's own line\n"


def test_failed_cases_are_listed_and_exit_with_1(capsys):
    def work() -> Outcome:
        return Outcome(results={"done": 3}, failed={"case_7": "expected 3 axes, found 2"})

    assert end(work) == 1
    out, err = capsys.readouterr()
    assert out == "done: 3\n"
    assert err == "cyclevox: failed case_7: expected 3 axes, found 2\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_no_json_is_never_printed(as_json):
    with pytest.raises(ValueError, match="not JSON compliant"):
        conclude(lambda: Outcome(results={"mae": math.nan}), as_json=as_json)


def test_all_failures_of_a_case_are_kept_and_none_twice():
    failures = [("a", "no pair"), ("b", "NaN"), ("a", "other grid"), ("b", "NaN")]
    assert by_case(failures) == {"a": "no pair; other grid", "b": "NaN"}


@pytest.mark.parametrize(
    "error",
    [UsageError("wanted a domain of mr, ct; found pet"), FileNotFoundError(2, "No such file", "x.nii.gz")],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_users_errors_are_one_message_with_2(capsys, error, wrapped):
    def work() -> Outcome:
        if not wrapped:
            raise error
        raise RuntimeError("Failed to instantiate component") from error

    assert end(work, as_json=True) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"cyclevox: {error}\n"


def test_our_own_value_errors_are_the_users_to_mend(capsys):
    def work() -> Outcome:
        ConstantThenLinear(constant=-1, decay=0)
        raise AssertionError("accepted")

    assert end(work) == 2
    assert "constant=-1" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError("of numpy"), KeyError("of ours")])
def test_faults_of_the_program_keep_their_traceback(error):
    def work() -> Outcome:
        raise error

    with pytest.raises(type(error)):
        conclude(work, as_json=False)
