"""The terminal as a thing shared with others: who gets its Ctrl-C, and in which state it is left."""

from __future__ import annotations

import contextlib
import os
import signal
import types
from collections.abc import Iterator
from typing import TextIO

try:
    import termios
except ImportError:  # not a Unix
    termios = None  # type: ignore[assignment]


#: Pastes unmarked again, the cursor visible, no colour.
_AS_IT_WAS = "\x1b[?2004l\x1b[?25h\x1b[0m\r\n"


@contextlib.contextmanager
def restored(terminal: TextIO, out: TextIO) -> Iterator[None]:
    """Leave the terminal as it was, also when a signal (SIGTERM, SIGHUP) ends the program at the prompt."""
    if termios is None:
        yield
        return
    attributes = termios.tcgetattr(terminal)

    def end(signum: int, _frame: types.FrameType | None) -> None:
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        with contextlib.suppress(OSError, RuntimeError):  # gone, or being written to by the interrupted code
            out.write(_AS_IT_WAS)
            out.flush()
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)

    signals = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    for number in signals:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)


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
