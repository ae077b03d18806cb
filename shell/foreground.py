"""Ctrl-C is the shell's own business, also when another program (make, a script) has started it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def foreground(terminal: TextIO) -> Iterator[None]:
    """Be the terminal's foreground process group, alone, as long as the context lasts.

    A program started by an interactive shell is that already. One started by ``make`` shares make's group:
    Ctrl-C would interrupt the evaluation, and make as well. In a group of its own it cannot be suspended,
    since nobody would notice and take the terminal back; so Ctrl-Z is ignored then.
    """
    if not hasattr(os, "tcsetpgrp") or os.getpgrp() == os.getpid():
        yield
        return
    outer = os.getpgrp()
    try:
        descriptor = terminal.fileno()
        if os.tcgetpgrp(descriptor) != outer:
            raise OSError("in the background")
        os.setpgid(0, 0)
        _hand_over(descriptor, os.getpid())
    except OSError:  # not its controlling terminal, or not in the foreground
        yield
        return
    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, suspend)
        with contextlib.suppress(OSError):  # that group may be gone
            _hand_over(descriptor, outer)
            os.setpgid(0, outer)


def _hand_over(descriptor: int, group: int) -> None:
    """Make another group the foreground one; from the background that takes ignoring SIGTTOU."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        os.tcsetpgrp(descriptor, group)
    finally:
        signal.signal(signal.SIGTTOU, before)
