"""What is run before the first prompt: the user's ``~/.pyex.py``, a project's ``.pyex.py``, files of the command line.

A project's file is code of whoever wrote the project, and looking into a folder must not run it. So it is run when the user
has trusted it, by ``trust()`` or ``--dot-pyex``, and for as long as it stays the same.
"""

from __future__ import annotations

import hashlib
import linecache
import os
from pathlib import Path
from typing import Final, NamedTuple

from shell.state import Shell

NAME: Final = ".pyex.py"

#: Bytes of a file that is still taken for a startup file.
LARGEST: Final = 1_000_000


class StartupFile(NamedTuple):
    """A file as it was read: this text is run, whatever becomes of the file."""

    path: Path
    source: bytes

    def run(self, shell: Shell) -> None:
        """Run it in the bindings of a shell."""
        name = str(self.path)
        code = compile(self.source, name, "exec", dont_inherit=True)
        linecache.checkcache(name)
        exec(code, vars(shell.module))  # noqa: S102 - that is what it is for

    def fingerprint(self) -> str:
        """What is trusted: this text at this place."""
        return hashlib.sha256(str(self.path).encode() + b"\0" + self.source).hexdigest()


def read(path: Path) -> StartupFile:
    """Read a file; raises ``OSError``."""
    path = path.resolve()
    with path.open("rb") as file:
        source = file.read(LARGEST + 1)
    if len(source) > LARGEST:
        raise OSError(f"it has more than {LARGEST:,} bytes")
    return StartupFile(path, source)


def of_user() -> StartupFile | None:
    """The user's own, if there is one."""
    try:
        return read(Path.home() / NAME)
    except (OSError, RuntimeError):
        return None


def of_project(folder: Path) -> StartupFile | None:
    """The one of a folder, if it has one and that is not the user's own."""
    try:
        if folder.resolve() == Path.home().resolve():
            return None
        return read(folder / NAME)
    except (OSError, RuntimeError):
        return None


class Trust:
    """The files that the user trusts: a list of fingerprints, which only that user can write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, file: StartupFile) -> bool:
        """Whether this text at this place is trusted. A list that others could have written counts for nothing."""
        try:
            state = self._path.stat()
            if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
                return False
            lines = self._path.read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError):
            return False
        return any(line.partition(" ")[0] == file.fingerprint() for line in lines)

    def add(self, file: StartupFile) -> None:
        """Trust it from now on; raises ``OSError``."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(f"{file.fingerprint()} {str(file.path)!r}\n")


def chosen(folder: Path, trust: Trust, *, told_to: bool) -> tuple[list[StartupFile], str]:
    """The files to run at the prompt of a folder, and a line about one that is not run, or nothing."""
    files = [file for file in [of_user()] if file is not None]
    project = of_project(folder)
    if project is None:
        return files, ""
    if told_to or trust.has(project):
        return [*files, project], ""
    return files, f"{NAME} of this folder was not run. Read it, then: trust()\n"
