"""What was typed, kept in a file that all shells of a user share."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

try:
    import fcntl
except ImportError:  # not a Unix
    fcntl = None  # type: ignore[assignment]

#: Bytes of the file from which on its older half is dropped.
LARGEST: Final = 2_000_000


class SharedHistory(FileHistory):
    """A history file; a disk that is full or a folder that is gone costs the history, not the prompt.

    Every input is appended in one piece, whole blocks as they are, so that of several shells none overwrites what another
    has typed. An input that begins with a blank is not kept.
    """

    def load_history_strings(self) -> Iterable[str]:
        """The inputs, the newest first."""
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        """Append one."""
        if string.startswith(" "):
            return
        lines = "".join(f"+{line}\n" for line in string.split("\n"))
        entry = f"\n# {time.strftime('%Y-%m-%d %H:%M:%S')}\n{lines}".encode(errors="backslashreplace")
        try:
            with Path(str(self.filename)).open("ab+", buffering=0) as file, _alone(file):
                file.write(entry)
                if file.tell() > LARGEST:
                    _drop_older_half(file)
        except OSError:
            pass


@contextlib.contextmanager
def _alone(file: IO[bytes]) -> Iterator[None]:
    """No other shell writes meanwhile."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)  # closing the file lets it go
    yield


def _drop_older_half(file: IO[bytes]) -> None:
    file.seek(-LARGEST // 2, os.SEEK_END)
    kept = file.read().partition(b"\n\n")[2]
    file.truncate(0)
    file.write(b"\n" + kept)


def history(path: Path) -> History:
    """The history in a file, or, where that cannot be, in memory."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Inputs hold secrets now and then.
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return InMemoryHistory()
    return SharedHistory(str(path))
