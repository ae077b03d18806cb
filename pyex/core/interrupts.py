"""Ctrl-C on the main thread: let in at the border of user code, never inside the runtime.

An exception raised between two steps of the runtime ("mark it runnable", "wake the loop") would leave a
process asleep for ever. So the handler looks at what it interrupted. User code, or a wait, takes the
exception. In the runtime it is postponed: to the next call into the runtime, or, for code that makes none,
to a moment later, when the signal comes again.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyex.core.crash import RUNTIME

if TYPE_CHECKING:
    from pyex.core.alarms import Deadline

#: Seconds until a postponed interrupt knocks again.
KNOCK_AGAIN: Final = 0.001

#: Seconds between two looks of a wait that Ctrl-C is to interrupt: at first, and at most.
FIRST_LOOK: Final = 0.01
LAST_LOOK: Final = 1.0


class Interrupts:
    """The handler of SIGINT, and the way an exit signal reaches the busy main thread."""

    def __init__(self) -> None:
        #: the handler is in place, or somebody else's is and stays
        self.installed = False
        #: an interrupt came while the runtime was at work and waits for its border; whoever takes it out, at
        #: the border or in the thread that knocks again, lets it in
        self._postponed: list[None] = []
        #: an exit signal, not Ctrl-C, is what the interrupt is about
        self._doomed = False
        #: the code of the runtime's own waits, which can be interrupted
        self.waits: set[types.CodeType] = set()
        #: told, in the handler, of an interrupt that has to wait: an event loop that runs on the main thread
        self.ring: Callable[[], None] = _nobody
        #: what ends the process this code runs in, if something does
        self.exit_signal: Callable[[], BaseException | None] = lambda: None

    def install(self) -> None:
        """Handle Ctrl-C, if this is the main thread and nobody else does."""
        if threading.get_ident() == threading.main_thread().ident:
            self.installed = True
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, self.handle)

    def handle(self, signum: int, frame: types.FrameType | None) -> None:
        """The signal handler: raise in the interrupted code, or see to it that it is raised later."""
        if self.is_interruptible(frame):
            self._postponed.clear()
            self._deliver()
        elif not self._postponed:
            self._postponed.append(None)
            self.ring()
            # Not a threading.Thread: starting one takes locks that the interrupted code may hold.
            try:
                _thread.start_new_thread(self._knock, ())
            except RuntimeError:
                self._postponed.clear()  # the interpreter ends anyway

    def border(self) -> None:
        """A call from user code into the runtime: the place for an interrupt that had to wait."""
        if not self.installed:
            self.install()
        if self._postponed and threading.get_ident() == threading.main_thread().ident and self._take():
            self._deliver()

    def forget(self) -> None:
        """At the end of the interpreter: there is no user code left to interrupt."""
        self._postponed.clear()

    def doom(self, thread_id: int | None) -> None:
        """The process on that thread got an exit signal while its code runs."""
        main = threading.main_thread().ident
        if thread_id == main and signal.getsignal(signal.SIGINT) == self.handle:
            self._doomed = True
            _interrupt_main()

    def is_interruptible(self, frame: types.FrameType | None) -> bool:
        """Whether an exception may be raised in this frame: it is user code, or waits in the runtime."""
        while frame is not None:
            name = str(frame.f_globals.get("__name__", ""))
            if name.startswith(RUNTIME):
                return frame.f_code in self.waits
            if name.partition(".")[0] not in sys.stdlib_module_names:
                return True
            frame = frame.f_back
        return True

    def _take(self) -> bool:
        try:
            self._postponed.pop()
        except IndexError:
            return False
        return True

    def _deliver(self) -> None:
        doomed, self._doomed = self._doomed, False
        exit_signal = self.exit_signal()
        if exit_signal is not None:
            raise exit_signal
        if not doomed:  # else the process has ended already, on its own
            raise KeyboardInterrupt

    def _knock(self) -> None:
        while self._postponed:
            time.sleep(KNOCK_AGAIN)
            if self._take():
                _interrupt_main()
                return


def _nobody() -> None:
    """The main thread runs no loop of ours."""


def _interrupt_main() -> None:
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signal.SIGINT)  # a real one: it ends time.sleep too
    else:
        _thread.interrupt_main()


class Bell:
    """What a thread waits for; rung while it does not, it ends the next wait.

    A lock, held while it has not been rung. Not a queue of the standard library: until 3.12 the limited wait of a
    ``SimpleQueue`` that something holds up until its time is over, a signal's handler say, has no limit any more.
    """

    __slots__ = ("_silent",)

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        """From any thread: end the wait, or the next one."""
        try:
            self._silent.release()
        except RuntimeError:
            pass  # it has been rung, and who waits has not noticed yet

    def wait(self, seconds: float) -> bool:
        """Wait until it has been rung, so long at most; whether it was."""
        return self._silent.acquire(timeout=seconds)


def await_ring(bell: Bell, deadline: Deadline | None, *, interruptible: bool) -> None:
    """Wait for a bell until the deadline, if there is one.

    A signal that comes after the interpreter has looked for it, and before the thread sleeps, wakes nobody; on a busy machine
    that may be long. So a wait that is to be interrupted wakes by itself, ever less often.
    """
    patience = FIRST_LOOK if interruptible else threading.TIMEOUT_MAX
    while True:
        left = threading.TIMEOUT_MAX if deadline is None else min(deadline.remaining(), threading.TIMEOUT_MAX)
        if bell.wait(min(left, patience)) or left <= patience:
            return
        patience = min(patience * 2, LAST_LOOK)


interrupts = Interrupts()
interrupts.waits.update((await_ring.__code__, Bell.wait.__code__))
