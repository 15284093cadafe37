"""Rules choose rows as pandas would, and can do nothing else."""

import pandas as pd
import pytest

from preprocessing.selection.choice import SelectionError
from preprocessing.selection.rule import matching

TABLE = pd.DataFrame(
    {
        "modality": ["MR", "CT", "CT", None],
        "description": ["T1 tse cor", "bone", None, "T2"],
        "spacing_z": [6.0, 1.0, 3.0, float("nan")],
        "slices": [20.0, 100.0, 40.0, 5.0],
    }
).astype({"modality": "str", "description": "str"})


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("modality == 'CT'", [False, True, True, False]),
        ("modality == 'CT' and spacing_z <= 2", [False, True, False, False]),
        ("modality == 'CT' & spacing_z <= 2", [False, True, False, False]),
        ("not modality == 'CT'", [True, False, False, True]),
        ("modality in ['MR', 'PT'] or slices < 10", [True, False, False, True]),
        ("description.str.contains('t[12]', case=False)", [True, False, False, True]),
        ("~description.str.contains('T')", [False, True, True, False]),
        ("description.str.lower().str.startswith('t1')", [True, False, False, False]),
        ("description.isna()", [False, False, True, False]),
        ("modality.notna() and spacing_z.between(2, 6)", [True, False, True, False]),
        ("modality.isin(['MR'])", [True, False, False, False]),
        ("slices * spacing_z > 110", [True, False, True, False]),
        ("2 < spacing_z < 5", [False, False, True, False]),
    ],
)
def test_rule_holds_for_these_rows(rule, expected):
    assert matching(TABLE, rule, domain="a") == expected


@pytest.mark.parametrize(
    "rule",
    [
        "__import__('os').system('true')",
        "@pd.eval('1')",
        "modality.__class__",
        "modality.__class__.__mro__",
        "description.to_csv('stolen.csv')",
        "description.str.contains.__globals__",
        "description.str.__class__()",
        "description.apply(print)",
        "description.pipe(lambda column: column)",
        "(lambda: modality == 'CT')()",
        "[name for name in modality]",
        "modality[0] == 'CT'",
        "slices ** slices > 0",
        "f'{modality}' == 'CT'",
        "(found := modality) == 'CT'",
        "spacing = 3",
        "`modality` == 'CT'",
        "modality == 'CT'\nslices = 0",
        "print(modality)",
        "modality if True else slices",
        "description.str.contains(*['a'])",
        "description.str.contains(**{'pat': 'a'})",
        "description.str.contains('a', flags=2)",
    ],
)
def test_rule_that_could_do_more_is_refused_before_it_runs(rule, monkeypatch):
    def never(*_arguments, **_options):
        raise AssertionError("it was run")

    monkeypatch.setattr(pd.DataFrame, "eval", never)
    with pytest.raises(SelectionError, match="domain 'a', rule"):
        matching(TABLE, rule, domain="a")


def test_unknown_column_is_named_with_the_known_ones_and_the_nearest():
    with pytest.raises(SelectionError) as error:
        matching(TABLE, "modalty == 'CT'", domain="ct")
    assert all(
        word in str(error.value) for word in ("'ct'", "modalty", "spacing_z", "did you mean 'modality'")
    )


@pytest.mark.parametrize(
    "rule", ["modality", "spacing_z + 1", "3", "modality < 2", "slices.str.contains('a')", ""]
)
def test_rule_without_an_answer_is_refused(rule):
    with pytest.raises(SelectionError, match="expected"):
        matching(TABLE, rule, domain="a")
