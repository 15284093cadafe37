"""Files that are there whole or not at all."""

from __future__ import annotations

import shutil
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


@contextmanager
def folder_written_beside(folder: Path) -> Iterator[Path]:
    """Give a new folder beside the one to write; it takes its place when the block ends without an error.

    Args:
        folder: a folder that does not exist yet, or is empty; its parents are made if absent.

    Raises:
        FileExistsError: if the folder holds something, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder}: expected a new or empty folder, found content; name another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".partial.{folder.name}")
    # What a killed writer left.
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
