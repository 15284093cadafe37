"""A data set whose values are converted once for each content: slices of a series repeat most of theirs."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

MOST_KEPT = 4096
"""Contents whose values are kept."""
LONGEST_KEPT = 256
"""Bytes of the longest content whose value is kept."""
_PLAIN = frozenset({"CS", "DA", "DS", "FD", "FL", "IS", "LO", "PN", "SH", "SL", "SS", "TM", "UI", "UL", "US"})
"""Value representations whose value depends on nothing but the bytes, their order and the character set."""


class Elements:
    """A pydicom data set, looked up by plain numbers.

    Args:
        data: the data set.
    """

    def __init__(self, data: Dataset) -> None:
        self.data = data
        # pydicom's own dictionary compares its tags in Python, which takes longer than all else here.
        self._stored = {int(tag): stored for tag, stored in data.items()}
        encoding = data.original_character_set
        self._encoding = encoding if isinstance(encoding, str) else tuple(encoding)

    def value(self, tag: int) -> Any:
        """Value of an element, or None. What pydicom raises on damaged bytes comes through.

        Args:
            tag: group and element as one number.
        """
        stored = self._stored.get(tag)
        if stored is None:
            return None
        if not isinstance(stored, RawDataElement):
            return stored.value
        if not stored.value:
            return None
        kind = stored.VR or _standard_kind(tag)
        if kind in _PLAIN and len(stored.value) <= LONGEST_KEPT:
            endian = "little" if stored.is_little_endian else "big"
            return _converted(tag, kind, bytes(stored.value), endian, self._encoding)
        return self.data[tag].value


@cache
def _standard_kind(tag: int) -> str:
    """Value representation that the standard gives an element; empty for private ones."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


@lru_cache(MOST_KEPT)
def _converted(tag: int, kind: str, content: bytes, endian: str, encoding: str | tuple[str, ...]) -> Any:
    """Value of an element; whoever gets it must not change it."""
    encodings = encoding if isinstance(encoding, str) else list(encoding)
    raw = RawDataElement(
        tag=BaseTag(tag),
        VR=kind,
        length=len(content),
        value=content,
        value_tell=0,
        is_implicit_VR=False,
        is_little_endian=endian == "little",
    )
    return convert_raw_data_element(raw, encoding=encodings).value
