"""The output process: the group leader of all that the shell starts, here and on other nodes.

Whatever is printed (results, errors, what processes and remote processes print, logs) is a message to it,
in the form of :mod:`pyex`'s I/O requests, and is written in the order of arrival. What processes ask for with
``input()`` is handed on to the server once all that was printed before is on the screen.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from typing import Any, Final, TextIO, cast

import pyex
from pyex import Down, Pid, Process, Ref, receive, send
from shell.questions import Question, Questions
from shell.screen import ERR, OUT, Screen

#: Requests written at once.
BATCH: Final = 1000

#: Lines of what cannot wait (logs, standard error) that may be on their way to the screen; more of them are dropped.
MOST_UNWRITTEN: Final = 10_000

# In this order: colours (kept), strings for the terminal, control sequences, other escapes, control
# characters but for tab and newline.
_CONTROL: Final = re.compile(
    r"(\x1b\[[0-9;:]*m)"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def harmless(text: str) -> str:
    """Text of another node: it keeps its colours and loses what else would steer the terminal."""
    return _CONTROL.sub(lambda found: found[1] or "", text)


class Overflow:
    """Bounds what comes from those that cannot wait for the screen: who logs holds the lock of the log, say.

    Processes that print do wait, every so many lines, for the output process. So a flood of either takes bounded memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: for each output process: lines on their way to it, and lines dropped
        self._counts: dict[Pid, list[int]] = {}

    def put(self, leader: Pid, text: str, stream: str) -> None:
        """From any thread: have text written, or drop it if too much is on its way."""
        lines = text.count("\n") or 1
        with self._lock:
            counts = self._counts.setdefault(leader, [0, 0])
            fits = counts[0] < MOST_UNWRITTEN
            counts[0 if fits else 1] += lines
        if fits:
            send(leader, ("io_request", None, None, (stream, text, lines)))

    def written(self, leader: Pid, lines: int) -> str:
        """In the output process: so many lines are on the screen; what is to be said of those that were dropped."""
        with self._lock:
            counts = self._counts.setdefault(leader, [0, 0])
            counts[0] -= lines
            if not counts[1] or counts[0] > MOST_UNWRITTEN // 2:
                return ""
            dropped, counts[1] = counts[1], 0
        return f"({dropped:,} lines of logs and standard error were dropped: they came faster than they could be written)\n"

    def forget(self, leader: Pid) -> None:
        """An output process has ended."""
        with self._lock:
            self._counts.pop(leader, None)


#: One for all shells of this program, as the log is.
overflow: Final = Overflow()


class _Requests:
    """What the output process has been asked for."""

    def __init__(self, tag: Ref, questions: Questions | None, is_own: Callable[[Pid], bool]) -> None:
        self.here = pyex.self()
        self.more = True
        #: (stream, text) to be written
        self.pieces: list[tuple[str, str]] = []
        #: lines among them of those who do not wait
        self.unwritten = 0
        #: done when the pieces before have been written
        self.afterwards: list[Callable[[], object]] = []
        self._tag = tag
        self._questions = questions
        #: whether a process is an evaluator of this shell
        self._is_own = is_own
        #: what other processes print is not shown, and how many lines that were
        self._quiet = False
        self._unseen = 0
        #: the questions that wait for an answer, by the monitor of who asks
        self._asked: dict[Ref, Ref] = {}
        #: whose errors were written last, if it is a process of another node
        self._erring: Pid | None = None

    def take(self, message: Any) -> None:
        """Look at one message."""
        questions = self._questions
        match message:
            case ("io_request", sender, ref, ("put_chars" | "put_error" as stream, str(text))):
                self._write(stream, text, sender if isinstance(sender, Pid) else None)
                if isinstance(sender, Pid) and ref is not None:
                    self.afterwards.append(lambda: send(sender, ("io_reply", ref, "ok")))
            case ("io_request", None, None, ("put_chars" | "put_error" as stream, str(text), int(lines))):
                self._write(stream, text, None)
                self.unwritten += lines
            case ("io_request", Pid() as sender, Ref() as alias, ("get_line", str(prompt))) if questions is not None:
                if sender.node != self.here.node:
                    prompt = harmless(prompt)
                self._asked[Process.monitor(sender)] = alias
                question = Question(sender, alias, prompt)
                self.afterwards.append(lambda: questions.add(question))
            case ("io_request", _, _, ("forget_line", Ref() as alias)):
                self.afterwards.append(lambda: self._forget(alias))
            case ("io_request", Pid() as sender, Ref() as ref, _):
                self.afterwards.append(lambda: send(sender, ("io_reply", ref, ("error", "request"))))
            case Down(ref=ref) if ref in self._asked:
                alias = self._asked[ref]
                self.afterwards.append(lambda: self._forget(alias))
            case (self._tag, "answered", alias):
                self._forget(alias)
            case (self._tag, "quiet", bool(on)):
                self._be_quiet(on)
            case (self._tag, "stop"):
                self.more = False

    def size(self) -> int:
        """How much there is to be done."""
        return max(len(self.pieces), len(self.afterwards))

    def _write(self, stream: str, text: str, sender: Pid | None) -> None:
        abroad = sender if sender is not None and sender.node != self.here.node else None
        if abroad is not None:
            text = harmless(text)
        if not text:
            return
        if self._quiet and sender is not None and not self._is_own(sender):
            self._unseen += text.count("\n")
            return
        erring = abroad if stream == ERR else None
        if erring is not None and erring != self._erring:
            text = f"{erring!r}: {text}"
        self._erring = erring
        self.pieces.append((stream, text))

    def _be_quiet(self, on: bool) -> None:
        """Show nothing of other processes, or all of them again."""
        if self._unseen and not on:
            lines = (
                "1 line of other processes was"
                if self._unseen == 1
                else f"{self._unseen:,} lines of other processes were"
            )
            self.pieces.append((OUT, f"({lines} not shown)\n"))
        self._quiet, self._unseen = on, 0

    def _forget(self, alias: Ref) -> None:
        """A question has been answered, or nobody waits for it any more."""
        if self._questions is not None:
            self._questions.forget(alias)
        for watch in [watch for watch, asked in self._asked.items() if asked == alias]:
            del self._asked[watch]
            Process.demonitor(watch, flush=True)


def write_requests(
    screen: Screen, tag: Ref, questions: Questions | None = None, is_own: Callable[[Pid], bool] = lambda _: False
) -> None:
    """The output process: write what is asked for, and hand on what is to be read, until told ``(tag, "stop")``."""
    requests = _Requests(tag, questions, is_own)
    while requests.more:
        message = receive()
        while message is not None:
            requests.take(message)
            message = receive(timeout=0, default=None) if requests.size() < BATCH else None
        if requests.pieces:
            screen.write(requests.pieces)
            requests.pieces = []
        if requests.unwritten:
            note = overflow.written(requests.here, requests.unwritten)
            requests.unwritten = 0
            if note:
                screen.write([(ERR, note)])
        afterwards, requests.afterwards = requests.afterwards, []
        for action in afterwards:
            action()
    overflow.forget(requests.here)


def put(leader: Pid, text: str, stream: str = OUT, sender: Pid | None = None) -> None:
    """Have text written; from any thread, which does not become a process by it."""
    send(leader, ("io_request", sender, None, (stream, text)))


class QueueStream(io.TextIOBase):
    """A text stream into the ordered output, for what has no group leader: threads, logging, stderr."""

    def __init__(self, leader: Pid, name: str, real: TextIO) -> None:
        super().__init__()
        self._leader = leader
        self._name = name
        self._real = real
        self._local = threading.local()  # the begun line of each thread

    def write(self, text: str) -> int:
        """Print; whole lines are sent on."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        whole, end, rest = (getattr(self._local, "line", "") + text).rpartition("\n")
        self._local.line = rest
        if end:
            overflow.put(self._leader, whole + end, self._name)
        return len(text)

    def flush(self) -> None:
        """Send on the begun line of this thread."""
        rest = getattr(self._local, "line", "")
        if rest:
            self._local.line = ""
            put(self._leader, rest, self._name)

    def close(self) -> None:
        """Nothing: the output goes on without this stream."""

    def isatty(self) -> bool:
        """As the stream this one stands for."""
        return self._real.isatty()

    def fileno(self) -> int:
        """As the stream this one stands for."""
        return self._real.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream this one stands for."""
        return self._real.encoding or "utf-8"


class ShellOutput(pyex.ProcessOutput):
    """The shell's ``sys.stdout``; what the evaluator flushes is on the screen when ``flush`` returns.

    ``input()`` relies on that: it flushes, then writes its question past this stream.
    """

    def __init__(self, leader: Pid, real: TextIO) -> None:
        super().__init__(cast(TextIO, QueueStream(leader, OUT, real)))
        self._leader = leader
        self._thread = threading.get_ident()

    def flush(self) -> None:
        """Send on the begun line; in the evaluator, wait until it is written."""
        super().flush()
        if threading.get_ident() == self._thread:
            pyex.sync_output(self._leader)
