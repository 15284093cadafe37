"""The learning rate stays, then falls in a straight line to zero."""

import pytest

from pipelines.training.schedule import ConstantThenLinear


def test_the_papers_schedule_in_closed_form():
    factor = ConstantThenLinear(constant=100_000, decay=100_000)
    for iteration in (0, 1, 50_000, 99_999, 100_000, 100_001, 150_000, 199_999, 200_000, 300_000):
        assert factor(iteration) == pytest.approx(min(1.0, max(0.0, 2 - iteration / 100_000)), abs=1e-12)


@pytest.mark.parametrize(("constant", "decay", "factors"), [(0, 2, [1, 0.5, 0, 0]), (2, 0, [1, 1, 1, 0])])
def test_either_part_may_be_missing(constant, decay, factors):
    schedule = ConstantThenLinear(constant=constant, decay=decay)
    assert [schedule(iteration) for iteration in range(4)] == factors


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="constant=-1 and decay=5"):
        ConstantThenLinear(constant=-1, decay=5)
