"""Free text of a header without identity: only protocol words and short numbers stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from preprocessing.importing.vocabulary import TERMS, WORDS

MAX_TEXT = 64
"""Longest cleaned text in characters: the length of a DICOM long string."""
SHORTEST_PART = 3
"""A name's part of this many characters is found inside words too; a shorter one as a whole word only."""

_DATE = re.compile(
    r"(?<!\d)(\d{1,4}\s?[-./_]\s?\d{1,2}\s?[-./_]\s?\d{2,4}|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)(?!\d)"
)
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,2})?(mm|cm|ms|s|sl|deg|ch|kv|kvp|ma|min|t|d|x|hz)?")
_CODE = re.compile(r"b\d{1,4}|[a-z]{1,2}\d{1,3}[a-z]?|mr\d{3}w?")
"""b-values, reconstruction kernels (B30f, FC13) and model numbers (MR750)."""
_SHORT_BUT_JOINED = ("t1", "t2", "pd", "ax", "fs", "2d", "3d", "se", "ir", "ct", "mr")
_JOINABLE = sorted(
    [*(word for word in WORDS if len(word) >= SHORTEST_PART), *_SHORT_BUT_JOINED], key=len, reverse=True
)
_JOINED = re.compile(r"(?:" + "|".join(_JOINABLE) + r"|\d{1,2})+")
"""Words that technicians run together, such as AXT2FSE."""
_UID = re.compile(r"\d+(?:\.\d+){4,}")
_QUOTED = re.compile(r'"[^"]*(?:"|$)')
_COUNTS = r"(?! (?:bytes|voxels|pixels|frames|files|HU)\b)"
_STANDARD_UID = "1.2.840.10008."
"""Root of the identifiers that the DICOM standard itself gives out; they identify nobody."""
_HIDDEN = "(hidden)"


def identity_parts(values: Iterable[str]) -> frozenset[str]:
    """Split names, numbers and identifiers of persons into the parts that must never be seen.

    Args:
        values: contents of identifying header fields.
    """
    parts: set[str] = set()
    for value in values:
        words = re.findall(r"[^\W_]+", value.casefold())
        parts.update(words)
        parts.add("".join(words))
        parts.update(re.findall(r"\d{2,}", value))
    return frozenset(parts - {""})


def clean_text(text: str, identity: Collection[str] = frozenset()) -> str:
    """Keep the protocol words and short numbers of a free text, in order and each once.

    Dates, times, long numbers, identifiers and every word that is not in the vocabulary go.

    Args:
        text: such as a series description.
        identity: parts of names and numbers, from `identity_parts`; they go even if they are protocol words.
    """
    words = (word.strip(".") for word in re.split(r"[^\w.+]|_", _DATE.sub(" ", text)))
    kept = [
        word
        for word in words
        if word.isascii() and _is_protocol(word.lower()) and not _identifies(word, identity)
    ]
    return " ".join(dict.fromkeys(kept))[:MAX_TEXT].strip()


def clean_path(path: str) -> str:
    """Keep the protocol words of a path: no numbers, since those of a path often count persons.

    Args:
        path: a relative path without the name's ending.
    """
    words = re.split(r"[\W_]+", path)
    return " ".join(dict.fromkeys(word for word in words if word.casefold() in WORDS))[:MAX_TEXT].strip()


def scrub(message: str, *, hidden: Iterable[str] = (), identity: Collection[str] = frozenset()) -> str:
    """Take identity out of a message that a program made.

    What stands between quotation marks came out of a file: of that, terms of the standard stay, and
    protocol words that are no part of a name. The rest is the program's own, whoever the patient is.

    Args:
        message: one or several lines; they become one.
        hidden: strings to hide wherever they stand, such as paths.
        identity: parts of names and numbers, from `identity_parts`.
    """
    message = " ".join(message.split())
    for text in sorted({text for text in hidden if len(text) >= SHORTEST_PART}, key=len, reverse=True):
        message = message.replace(text, _HIDDEN)
    message = _UID.sub(lambda uid: uid[0] if uid[0].startswith(_STANDARD_UID) else _HIDDEN, message)
    message = re.sub(rf"(?<![\d.])\d{{6,}}(?!\d){_COUNTS}", _HIDDEN, message)
    return _QUOTED.sub(lambda quote: _cleaned_quote(quote[0].strip('"'), identity), message)


def _cleaned_quote(text: str, identity: Collection[str]) -> str:
    """Standard identifiers stand as they are; of other texts the words that identify nobody."""
    if text.startswith(_STANDARD_UID) and _UID.fullmatch(text):
        return f'"{text}"'
    words = re.split(r"([^\W_]+)", text.replace(_HIDDEN, "\0"))
    kept = [word if _may_be_seen(word, identity) else "\0" for word in words]
    return '"' + "".join(kept).replace("\0", _HIDDEN) + '"'


def _may_be_seen(word: str, identity: Collection[str]) -> bool:
    if not any(map(str.isalnum, word)) or word.upper() in TERMS:
        return True
    return word.lower() in WORDS and not _identifies(word, identity)


def _is_protocol(word: str) -> bool:
    if word in WORDS or _NUMBER.fullmatch(word) or _CODE.fullmatch(word):
        return True
    return sum(map(str.isdigit, word)) <= 4 and _JOINED.fullmatch(word) is not None


def _identifies(word: str, identity: Collection[str]) -> bool:
    folded = "".join(re.findall(r"[^\W_]+", word.casefold()))
    return folded in identity or any(len(part) >= SHORTEST_PART and part in folded for part in identity)
