"""Values of a data set as plain types: what is missing or malformed is None or empty, never an error."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from preprocessing.dicom.elements import MOST_KEPT, Elements

_MALFORMED = (
    AssertionError, AttributeError, ArithmeticError, EOFError, LookupError, NotImplementedError, TypeError,
    ValueError, struct.error,
)  # fmt: skip
"""What pydicom raises while it turns the bytes of a damaged element into a value."""


def words(listed: str) -> tuple[str, ...]:
    """Names that stand in one text, with white space between them.

    Args:
        listed: such as "Rows Columns".
    """
    return tuple(listed.split())


def value_of(data: Elements, keyword: str) -> Any:
    """Value of an element, or None.

    Args:
        data: a data set.
        keyword: such as "PixelSpacing".
    """
    try:
        return data.value(_tag(keyword))
    except _MALFORMED:
        return None


def text(data: Elements, keyword: str) -> str:
    """One line of text; several values are joined by a backslash, as DICOM does.

    Args:
        data: a data set.
        keyword: such as "SeriesDescription".
    """
    return "\\".join(texts(data, keyword))


def texts(data: Elements, keyword: str) -> tuple[str, ...]:
    """Several texts, stripped.

    Args:
        data: a data set.
        keyword: such as "ImageType".
    """
    value = value_of(data, keyword)
    if value is None:
        return ()
    values = value if _is_list(value) else [value]
    cleaned = (_one_line(str(item)) for item in values)
    return tuple(item for item in cleaned if item)


def numbers(data: Elements, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """Finite numbers, exactly `count` of them, or None.

    Args:
        data: a data set.
        keyword: such as "ImagePositionPatient".
        count: how many there must be; None for any.
    """
    value = value_of(data, keyword)
    if value is None:
        return None
    try:
        found = tuple(float(item) for item in (value if _is_list(value) else [value]))
    except _MALFORMED:
        return None
    if count not in (None, len(found)) or not found or not all(math.isfinite(item) for item in found):
        return None
    return found


def number(data: Elements, keyword: str) -> float | None:
    """The first of one or more finite numbers, or None.

    Args:
        data: a data set.
        keyword: such as "SliceThickness".
    """
    found = numbers(data, keyword)
    return found[0] if found else None


def whole(data: Elements, keyword: str) -> int | None:
    """A whole number, or None.

    Args:
        data: a data set.
        keyword: such as "Rows".
    """
    found = number(data, keyword)
    return int(found) if found is not None and found == int(found) else None


def items(data: Elements, keyword: str) -> list[Elements]:
    """Items of a sequence; none if it is missing or malformed.

    Args:
        data: a data set.
        keyword: such as "PerFrameFunctionalGroupsSequence".
    """
    value = value_of(data, keyword)
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        return []
    return [Elements(item) for item in value if isinstance(item, Dataset)]


@lru_cache(MOST_KEPT)
def _one_line(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


@cache
def _tag(keyword: str) -> int:
    return int(Tag(keyword))


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
