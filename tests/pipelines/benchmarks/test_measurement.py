"""A ratio is what it says, turns are taken in turn, and what is told can be read back."""

import json

import pytest

from pipelines.benchmarks.measurement import Measurement, machine, seconds_of, take_turns
from pipelines.benchmarks.report import HEADINGS, as_markdown

FASTER = Measurement(
    name="a", seconds=2.0, baseline_seconds=5.0, agreement="equal", repeats=3, target="faster"
)
SMALLER = Measurement(name="b", peak_bytes=5 << 20, baseline_peak_bytes=10 << 20)


def test_the_ratio_says_how_many_times_the_baseline_is_slower():
    assert FASTER.ratio == 2.5
    assert Measurement(name="a", seconds=5.0, baseline_seconds=2.0).ratio == 0.4


@pytest.mark.parametrize("known", [{}, {"seconds": 1.0}, {"baseline_seconds": 1.0}])
def test_without_both_times_there_is_no_ratio(known):
    assert Measurement(name="a", **known).ratio is None


@pytest.mark.parametrize("entry", [FASTER, SMALLER])
def test_what_is_told_is_json_and_comes_back(entry):
    told = json.loads(json.dumps(entry.to_dict(), allow_nan=False))
    assert told["ratio"] == entry.ratio
    assert Measurement.from_dict({**told, "machine": "any"}) == entry


def test_each_side_has_its_turn_and_warm_ups_do_not_count():
    order, times = [], iter([100.0, 1.0, 100.0, 2.0, 3.0, 20.0, 4.0, 30.0])

    def side(name):
        def work():
            order.append(name)
            return next(times)

        return work

    timing = take_turns(side("ours"), side("baseline"), repeats=3, warm_ups=1)
    assert order == ["ours", "baseline"] * 4
    assert (timing.seconds, timing.baseline_seconds, timing.repeats) == (4.0, 20.0, 3)


def test_a_run_that_tells_its_seconds_is_believed_and_another_is_timed():
    assert seconds_of(lambda: 123.0) == 123.0
    assert 0 <= seconds_of(lambda: "no seconds") < 60


def test_the_table_has_a_line_for_each_measurement_and_leaves_out_what_was_not_measured():
    head, rule, first, second = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in as_markdown([FASTER, SMALLER]).splitlines()
    )
    assert tuple(head) == HEADINGS
    assert len(rule) == len(head)
    assert first == ["a", "2 s", "5 s", "2.50", "equal", "faster", "3"]
    assert second == ["b", "5 MiB", "10 MiB", "", "", "", "1"]


def test_the_machine_names_its_cores_and_python():
    assert "cores" in machine()
    assert "Python 3" in machine()
