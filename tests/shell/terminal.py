"""A terminal for tests: a pseudo-terminal, and what a person would see on its screen."""

import signal
import termios
import time
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, ROWS = 100, 60


class Terminal:
    """Runs a program and follows its screen."""

    def __init__(self, argv, env, cwd):
        self.child = pexpect.spawn(argv[0], argv[1:], env=env, cwd=str(cwd), dimensions=(ROWS, COLUMNS))
        self.child.delaybeforesend = None
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        #: all that has come
        self.raw = b""

    def resize(self, columns, rows=ROWS):
        """As if the window was."""
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def type(self, text):
        """Press these keys."""
        self.child.send(text)

    def try_again(self, press, what):
        """Press keys, or call what does, now and then until this holds: what comes too late is for a person to ask again."""
        pressed = 0.0

        def holds():
            nonlocal pressed
            if what():
                return True
            if time.monotonic() - pressed > 5:
                pressed = time.monotonic()
                press() if callable(press) else self.type(press)
            return False

        self.wait(holds)

    def interrupt(self):
        """Press Ctrl-C for what runs, once no prompt has the terminal: to a prompt it is a key like others."""
        self.wait(lambda: termios.tcgetattr(self.child.child_fd)[3] & termios.ISIG)
        self.type("\x03")

    def enter(self, *lines):
        """Type lines, each once the screen shows the one before it."""
        for line in lines:
            self.type(line)
            if line:
                self.wait(lambda line=line: line in self.joined())  # a long one goes over several
            self.type("\r")

    def lines(self):
        """The lines on the screen, without the empty ones below."""
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def text(self):
        return "\n".join(self.lines())

    def joined(self):
        """The rows of the screen in one, with the blanks at their ends: what goes over several is whole."""
        return "".join(self.screen.display)

    def last(self):
        lines = self.lines()
        return lines[-1] if lines else ""

    def wait(self, what, timeout=30):
        """Wait until the screen shows a text, or until a predicate of it holds."""
        holds = what if callable(what) else lambda: what in self.text()
        deadline = time.monotonic() + timeout
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain; the screen shows\n{self.text()}"
            self._read()

    def prompt(self, number, node="pyex1@127.0.0.1"):
        """Wait for the prompt of this number, with nothing typed."""
        self.wait(lambda: self.last() == f"pyex({node}){number}>")

    def leave(self, timeout=30):
        """Wait for the program to end; its exit status."""
        deadline = time.monotonic() + timeout
        while self.child.isalive():
            assert time.monotonic() < deadline, f"it did not leave; the screen shows\n{self.text()}"
            self._read()
        self._read()
        return self.child.exitstatus

    def close(self):
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close()

    def _read(self):
        try:
            data = self.child.read_nonblocking(65536, timeout=0.02)
            self.raw += data
            self._stream.feed(data)
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass
