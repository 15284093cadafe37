"""Find every file below a folder, whatever else lies there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

IGNORED = ("._", ".DS_Store", "Thumbs.db")
"""Beginnings of names that desktop systems leave in folders; they are never images."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What lies below a folder.

    Args:
        files: regular files, in order of their paths.
        links: number of symbolic links, none of which is followed.
        unreadable: folders that cannot be listed.
    """

    files: tuple[Path, ...]
    links: int
    unreadable: tuple[Path, ...]


def walk(source: Path, *, leave_out: Path) -> Walk:
    """List a tree of files without following links, so that it ends and never leaves the tree.

    A link to a file of the same tree would only give that file twice. Pipes, sockets and devices are passed
    over: opening one may wait forever.

    Args:
        source: the folder.
        leave_out: a folder that is not entered, such as the one that is written to.
    """
    files: list[Path] = []
    unreadable: list[Path] = []
    waiting, links = [source.resolve()], 0
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            unreadable.append(folder)
            continue
        for entry in entries:
            links += entry.is_symlink()
            if entry.is_dir(follow_symlinks=False) and Path(entry.path) != leave_out.resolve():
                waiting.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and not entry.name.startswith(IGNORED):
                files.append(Path(entry.path))
    return Walk(files=tuple(sorted(files)), links=links, unreadable=tuple(sorted(unreadable)))
