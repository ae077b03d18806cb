"""Helpers about the folder the shell works in."""

from __future__ import annotations

import os
from pathlib import Path

from shell.table import Table

__all__ = ["cd", "ls", "pwd"]


def pwd() -> Path:
    """The folder this node works in.

    >>> pwd()
    """
    return Path.cwd()


def cd(folder: str | os.PathLike[str] = "~") -> Path:
    """Work in another folder, and return it; without one, in your home. It is the folder of the whole node.

    >>> cd("..")
    """
    os.chdir(Path(folder).expanduser())
    return Path.cwd()


def ls(folder: str | os.PathLike[str] = ".", pattern: str = "*") -> Table:
    """What is in a folder: a table of names, bytes and kinds; a ``pattern`` picks from it.

    >>> ls()
    >>> ls("lessons", "*.py")
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise NotADirectoryError(f"{str(path)!r} is {'a file' if path.exists() else 'not there'}. ls() takes a folder")
    found = [one for one in sorted(path.glob(pattern)) if not one.name.startswith(".")]
    rows = [
        (one.name + "/" * one.is_dir(), None if one.is_dir() or not one.exists() else one.stat().st_size)
        for one in found
    ]
    return Table(("name", "bytes"), rows, "nothing is there")
