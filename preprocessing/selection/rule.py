"""Rules that choose series: expressions of `pandas.DataFrame.query`, of which only harmless ones are run."""

from __future__ import annotations

import ast
import difflib
import re

import pandas as pd

from preprocessing.selection.choice import SelectionError

METHODS = frozenset(
    {"contains", "startswith", "endswith", "fullmatch", "lower", "upper", "isin", "isna", "notna", "between"}
)
"""Methods of columns and of `.str` that a rule may call."""
_OPTIONS = frozenset({"case", "na", "regex", "inclusive"})
_GRAMMAR = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Invert, ast.USub),
    *(ast.BinOp, ast.BitAnd, ast.BitOr, ast.Add, ast.Sub, ast.Mult, ast.Div),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.Constant, ast.List, ast.Tuple, ast.Load, ast.Name, ast.Attribute, ast.Call, ast.keyword),
)
_FAULTS = (
    *(TypeError, ValueError, AttributeError, KeyError, NotImplementedError, SyntaxError, NameError),
    *(re.error, RecursionError),
)


def matching(table: pd.DataFrame, rule: str, *, domain: str) -> list[bool]:
    """Tell for every row of a table whether a rule holds.

    Args:
        table: one row for each series.
        rule: an expression on its columns, such as `modality == "CT" and spacing_z <= 3`.
        domain: what the rule chooses for; for messages.

    Raises:
        SelectionError: if the rule is no such expression, names no column, or does not give true or false.
    """
    where = f"domain {domain!r}, rule {rule!r}"
    _check(rule, [str(name) for name in table.columns], where)
    try:
        # Python's engine: the other one knows no methods of strings.
        answer = table.eval(rule, engine="python")
    except _FAULTS as error:
        raise SelectionError(f"{where}: expected a rule that fits the columns, found: {error}") from error
    if not isinstance(answer, pd.Series) or answer.dtype.kind != "b":
        raise SelectionError(f"{where}: expected true or false for each row, found no comparison; add one")
    return [bool(value) for value in answer]


def _check(rule: str, columns: list[str], where: str) -> None:
    if "@" in rule or "`" in rule or "\n" in rule:
        raise SelectionError(
            f"{where}: expected one expression on the columns, found '@', '`' or a line break"
        )
    try:
        tree = ast.parse(rule.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SelectionError(
            f"{where}: expected an expression such as modality == 'CT', found {error}"
        ) from error
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        _check_node(node, columns, where, is_called=id(node) in called)


def _check_node(node: ast.AST, columns: list[str], where: str, *, is_called: bool) -> None:
    if isinstance(node, ast.Name) and node.id not in columns:
        near = difflib.get_close_matches(node.id, columns, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(columns)
        raise SelectionError(f"{where}: expected a column of {known}; found {node.id!r}{hint}")
    allowed = isinstance(node, _GRAMMAR)
    if isinstance(node, ast.Call):
        allowed = isinstance(node.func, ast.Attribute)
    elif isinstance(node, ast.Attribute):
        allowed = node.attr in METHODS if is_called else node.attr == "str"
    elif isinstance(node, ast.keyword):
        allowed = node.arg in _OPTIONS
    if not allowed:
        found = ast.unparse(node) if isinstance(node, ast.expr | ast.keyword) else type(node).__name__
        methods = ", ".join(sorted(METHODS))
        raise SelectionError(
            f"{where}: expected columns, values, comparisons, and, or, not, in, and the methods {methods}; "
            f"found {found!r}"
        )
