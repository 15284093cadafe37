"""Values of a data set as plain types: what is missing or malformed is None or empty, never an error."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

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


def value_of(data: Dataset, keyword: str) -> Any:
    """Value of an element, or None.

    Args:
        data: a data set.
        keyword: such as "PixelSpacing".
    """
    tag = _tag(keyword)
    try:
        return data[tag].value if tag in data else None
    except _MALFORMED:
        return None


def text(data: Dataset, keyword: str) -> str:
    """One line of text; several values are joined by a backslash, as DICOM does.

    Args:
        data: a data set.
        keyword: such as "SeriesDescription".
    """
    return "\\".join(texts(data, keyword))


def texts(data: Dataset, keyword: str) -> tuple[str, ...]:
    """Several texts, stripped.

    Args:
        data: a data set.
        keyword: such as "ImageType".
    """
    value = value_of(data, keyword)
    if value is None:
        return ()
    values = value if _is_list(value) else [value]
    cleaned = (" ".join(str(item).replace("\0", " ").split()) for item in values)
    return tuple(item for item in cleaned if item)


def numbers(data: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
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


def number(data: Dataset, keyword: str) -> float | None:
    """The first of one or more finite numbers, or None.

    Args:
        data: a data set.
        keyword: such as "SliceThickness".
    """
    found = numbers(data, keyword)
    return found[0] if found else None


def whole(data: Dataset, keyword: str) -> int | None:
    """A whole number, or None.

    Args:
        data: a data set.
        keyword: such as "Rows".
    """
    found = number(data, keyword)
    return int(found) if found is not None and found == int(found) else None


def items(data: Dataset, keyword: str) -> list[Dataset]:
    """Items of a sequence; none if it is missing or malformed.

    Args:
        data: a data set.
        keyword: such as "PerFrameFunctionalGroupsSequence".
    """
    value = value_of(data, keyword)
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        return []
    return [item for item in value if isinstance(item, Dataset)]


# Looking a keyword up takes longer than reading the element.
_tag = cache(Tag)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
