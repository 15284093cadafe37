"""A split is by patient, decided by the seed alone, and near to its shares in every domain."""

from collections import Counter
from itertools import combinations

import pytest

from preprocessing.selection.choice import SelectionError
from preprocessing.selection.split import SplitShares, split_patients

SHARES = SplitShares.parse("70/15/15")


def patients(count: int, *domains: str) -> dict[str, list[str]]:
    return {f"{'-'.join(domains)}{number}": list(domains) for number in range(count)}


def test_order_of_patients_and_domains_changes_nothing():
    given = {**patients(9, "mr"), **patients(7, "ct"), **patients(5, "ct", "mr")}
    turned = {name: domains[::-1] for name, domains in reversed(given.items())}
    assert split_patients(given, SHARES, seed=3) == split_patients(turned, SHARES, seed=3)


def test_seeds_deal_differently_but_give_the_same_counts():
    given = patients(40, "mr")
    one, other = (split_patients(given, SHARES, seed=seed) for seed in (0, 1))
    assert one != other
    assert Counter(one.values()) == Counter(other.values()) == {"train": 28, "validation": 6, "test": 6}


@pytest.mark.parametrize("counts", [(20, 20, 0), (40, 7, 3), (1, 1, 1), (13, 29, 11)])
@pytest.mark.parametrize("shares", ["70/15/15", "34/33/33", "100/0/0", "0/50/50"])
def test_every_set_of_domains_is_within_one_patient_of_its_shares(counts, shares):
    asked = SplitShares.parse(shares)
    groups = [("mr",), ("ct",), ("ct", "mr")]
    given = {
        k: v for count, group in zip(counts, groups, strict=True) for k, v in patients(count, *group).items()
    }
    split = split_patients(given, asked, seed=5)
    for count, group in zip(counts, groups, strict=True):
        found = Counter(split[name] for name in patients(count, *group))
        for name, share in zip(("train", "validation", "test"), asked.shares, strict=True):
            assert abs(found[name] - count * share / 100) < 2
    whole = Counter(split.values())
    for name, share in zip(("train", "validation", "test"), asked.shares, strict=True):
        assert abs(whole[name] - sum(counts) * share / 100) < 1


def test_share_of_nothing_gets_nobody():
    assert set(split_patients(patients(11, "mr"), SplitShares.parse("50/0/50"), seed=0).values()) == {
        "train",
        "test",
    }


@pytest.mark.parametrize("text", ["70/15", "70/15/20", "70/-15/45", "a/b/c", "", "70,15,15"])
def test_shares_that_do_not_add_up_are_refused(text):
    with pytest.raises(SelectionError, match="70/15/15"):
        SplitShares.parse(text)


def test_adding_a_patient_moves_few_others():
    before = split_patients(patients(50, "mr"), SHARES, seed=2)
    after = split_patients(patients(51, "mr"), SHARES, seed=2)
    assert sum(before[name] != after[name] for name in before) <= 3


def test_three_seeds_differ_in_pairs():
    splits = [split_patients(patients(30, "mr"), SHARES, seed=seed) for seed in range(3)]
    assert all(one != other for one, other in combinations(splits, 2))
