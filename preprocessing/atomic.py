"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a path beside a file to write to; it takes the file's place when the block ends without an error.

    Args:
        path: the file to write; its folder is made if absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readers that go by the ending, such as SimpleITK, need to see the file's own.
    beside = path.with_name(f".partial.{path.name}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Args:
        path: the file; its folder is made if absent.
        text: its content.
    """
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
