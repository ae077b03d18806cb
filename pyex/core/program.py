"""A program of the operating system, its pipes and its end, on an event loop.

Nothing here waits: what a pipe does not take is kept until it does, and what comes out of one is handed on as
it comes. Plain ``subprocess`` and the loop's readiness callbacks do it all: asyncio's own subprocesses need a
child watcher, which is another one in every version of Python, and kill what they let go of.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

#: Bytes read, or written, at once; a pipe rarely holds more.
PIECE: Final = 65536

#: Pieces written in one turn of the loop.
PIECES_PER_TURN: Final = 16

#: Seconds that a program gets to end when its input is closed, and again after SIGTERM; then SIGKILL.
GRACE: Final = 5.0

#: The same when the loop stops.
HURRIED_GRACE: Final = 0.3


class Program:
    """A running program, used on the thread of its loop only.

    ``on_output(data)`` is called with what it writes, ``on_written(size)`` when so much of what was written to
    it is gone, into its pipe or for good, and ``on_end(status)`` once, after the last of its output.
    """

    def __init__(
        self,
        argv: Sequence[Any],
        loop: asyncio.AbstractEventLoop,
        on_output: Callable[[bytes], None],
        on_written: Callable[[int], None],
        on_end: Callable[[int], None],
    ) -> None:
        """Start it; raises what ``subprocess`` does: ``OSError``, ``ValueError``."""
        self._loop = loop
        self._on_output, self._on_written, self._on_end = on_output, on_written, on_end
        #: what its input pipe has not taken yet
        self._unwritten: deque[memoryview] = deque()
        self._reading = self._writing = False
        #: nobody listens any more
        self._let_go = False
        #: its exit status, as a shell tells it, once it has ended
        self._ended: asyncio.Future[int] = loop.create_future()
        self._seeing_off: asyncio.Task[None] | None = None
        self._popen = subprocess.Popen(  # noqa: S603 - the very purpose; no shell is involved
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        self.os_pid = self._popen.pid
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._stdin, self._stdout = self._popen.stdin, self._popen.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        self._watch()
        self.resume()

    # Its output

    def pause(self) -> None:
        """Read no more; a program that goes on writing is held up once its pipe is full."""
        self._reading = False
        if not self._stdout.closed:
            self._loop.remove_reader(self._stdout.fileno())

    def resume(self) -> None:
        """Read on."""
        if not self._reading and not self._let_go:
            self._reading = True
            if not self._stdout.closed:
                self._loop.add_reader(self._stdout.fileno(), self._read)
            if self._ended.done():
                self._loop.call_soon(self._read)

    def _read(self) -> None:
        if not self._reading:
            return
        data: bytes | None = b""
        try:
            if not self._stdout.closed:
                data = self._stdout.read(PIECE)
        except OSError:
            pass  # as good as its end
        if data:
            self._on_output(data)
        elif data is not None and not self._stdout.closed:
            self._loop.remove_reader(self._stdout.fileno())
            self._stdout.close()  # which is not its end yet
        if self._ended.done():
            # Whoever has inherited the pipe may keep it open: what the program itself has written is in it now.
            if data:
                self._loop.call_soon(self._read)
            else:
                self.pause()  # for good
                self._on_end(self._ended.result())

    # Its input

    def write(self, data: bytes) -> None:
        """Write, now or as soon as the program reads."""
        self._unwritten.append(memoryview(data))
        if not self._writing:
            self._write()

    def _write(self) -> None:
        unwritten = self._unwritten
        try:
            for _ in range(PIECES_PER_TURN):
                if not unwritten or self._stdin.closed:
                    break
                size = self._stdin.write(unwritten[0][:PIECE])
                if size is None:
                    break  # the pipe is full
                rest = unwritten.popleft()[size:]
                if rest:
                    unwritten.appendleft(rest)
                self._on_written(size)
        except OSError:  # it has closed its input, or ended
            self._close_input()
        if self._stdin.closed:
            self._discard()
        elif bool(unwritten) is not self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._stdin.fileno(), self._write)
            else:
                self._loop.remove_writer(self._stdin.fileno())
        if self._let_go and not unwritten:
            self._close_input()

    def _close_input(self) -> None:
        if not self._stdin.closed:
            if self._writing:
                self._writing = False
                self._loop.remove_writer(self._stdin.fileno())
            self._stdin.close()

    def _discard(self) -> None:
        size = sum(map(len, self._unwritten))
        self._unwritten.clear()
        self._on_written(size)

    # Its end

    def let_go(self) -> None:
        """Read no more and see the program off: it gets what was written to it, then the end of its input.

        If it does not end by that it is ended, with all that it has started in its session's first process group.
        """
        self.pause()
        self._let_go = True
        self._stdout.close()
        if not self._unwritten:
            self._close_input()
        if not self._ended.done():
            self._seeing_off = self._loop.create_task(self._see_off(), context=contextvars.Context())

    async def _see_off(self) -> None:
        grace = GRACE
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                await asyncio.wait([self._ended], timeout=grace)
            except asyncio.CancelledError:
                grace = HURRIED_GRACE  # the loop stops: no program stays behind
            if self._ended.done():
                break
            self._signal(number)
        await asyncio.wait([self._ended], timeout=grace)
        self._seeing_off = None

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.os_pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # it has ended, or become somebody else's

    def _watch(self) -> None:
        """See to it that its end is noticed."""
        try:
            pidfd = os.pidfd_open(self.os_pid)
        except (AttributeError, OSError):  # not a system that has such
            threading.Thread(target=self._wait, name=f"pyex-program-{self.os_pid}", daemon=True).start()
        else:
            self._loop.add_reader(pidfd, self._reap, pidfd)

    def _reap(self, pidfd: int) -> None:
        status = self._popen.poll()
        if status is not None:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
            self._has_ended(status)

    def _wait(self) -> None:
        status = self._popen.wait()
        try:
            self._loop.call_soon_threadsafe(self._has_ended, status)
        except RuntimeError:
            pass  # the loop is closed: nobody asks any more

    def _has_ended(self, status: int) -> None:
        self._ended.set_result(status if status >= 0 else 128 - status)
        self._close_input()
        self._discard()
        if self._reading:
            self._read()
