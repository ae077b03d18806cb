"""Ctrl-backslash as a way out: it is noticed also while the main thread is stuck in a call of C code."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def way_out(called: Callable[[], None]) -> Iterator[None]:
    """Call a function, on a thread of its own, for every SIGQUIT; on the main thread of a terminal."""
    quit_signal = getattr(signal, "SIGQUIT", None)
    if quit_signal is None:
        yield
        return
    ours, pythons = socket.socketpair()
    pythons.setblocking(False)

    def watch() -> None:
        while numbers := ours.recv(64):
            if quit_signal in numbers:
                called()

    thread = threading.Thread(target=watch, name="pyex-escape", daemon=True)
    thread.start()
    before = signal.signal(quit_signal, lambda _number, _frame: None)
    # Written to by Python at once, before the main thread gets to run a handler.
    wakeup = signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(quit_signal, before)
        pythons.close()
        thread.join(1)
        ours.close()
