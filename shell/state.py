"""What the processes of one shell share, and the requests they exchange."""

from __future__ import annotations

import io
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pyex import Pid, Ref, send
from shell.preload import new_main_module
from shell.questions import Question, Questions
from shell.results import Results
from shell.screen import Screen

if TYPE_CHECKING:
    from shell.candidates import Found
    from shell.startup import StartupFile
    from shell.surroundings import Surroundings


class SteppedAside(Exception):
    """A reader has stopped reading an input because a process asks; what is typed of it is kept."""


class Reader(Protocol):
    """Where input comes from. Used in the server's thread, but for ``aside``."""

    #: it shows questions itself, at a prompt; else they are printed before ``ask``
    edits: bool

    def read(self, node: str, number: int, offered: str | None = None) -> str | None:
        """The next complete input; None at the end of all input. Raises ``SteppedAside``.

        ``offered`` stands ready, where that can be, until something is typed in its place; None outside of lessons.
        """

    def show(self, node: str, number: int, source: str) -> str:
        """Show an input as if it had been typed; returns it."""

    def aside(self) -> None:
        """From any thread: soon let ``read``, if it reads, raise ``SteppedAside``."""

    def ask(self, question: Question) -> str:
        """The answer to a question. Raises ``EOFError``, ``KeyboardInterrupt``, ``QuestionGone``."""

    def interrupted(self) -> None:
        """What was typed has been interrupted; inputs that wait to be read are dropped."""


class Request:
    """One input on its way to the evaluator, and what became of it."""

    def __init__(self, source: str, number: int) -> None:
        self.source = source
        self.number = number
        #: the evaluator has begun with it; one that ended before gets it again
        self.begun = False


class Shell:
    """One shell. The server owns the bindings and the reader, the output process the screen."""

    def __init__(
        self,
        reader: Reader,
        screen: Screen,
        *,
        start: Callable[[], None] = lambda: None,
        open_path: Callable[[], None] = lambda: None,
        banner: str = "",
        once: bool = False,
    ) -> None:
        self.reader = reader
        self.screen = screen
        self.questions = Questions()
        #: run by the first evaluator before anything else: starts the node
        self.start = start
        #: run by the evaluator before the first input: makes the user's import path
        self.open_path = open_path
        self.banner = banner
        #: one expression of the command line, whose failure is the exit status
        self.once = once
        #: a message is the shell's own when it begins with this
        self.tag = Ref()
        self.module: types.ModuleType = new_main_module()
        #: what ``from __future__ import`` has switched on, for the inputs after it
        self.compiler_flags = 0
        #: what was typed, and its values
        self.results = Results()
        self._around: Surroundings | None = None
        self.evaluator: Pid | None = None
        self.server: Pid | None = None
        self.leader: Pid | None = None
        #: the way an evaluator ended, until the next one has reported it
        self.ending: tuple[Pid, Any] | None = None
        #: the shell's own sys.stdout and sys.stderr
        self.streams: list[io.TextIOBase] = []
        #: what is run before the first prompt, in this order
        self.files: list[StartupFile] = []
        #: the node whose prompt comes first; leaving that one leaves the shell
        self.remsh: str | None = None
        #: the number of the job whose prompt it is
        self.front = 1
        #: keeps how far lessons have been played; None: nothing is kept
        self.progress_file: Path | None = None
        #: in the names of inputs, tells those of this shell from those of another one on the node
        self.label = ""
        #: answers what could be typed next; the server changes it with the job
        self.completer: Callable[[str], Found] = self.complete_here
        #: this is the other end of a prompt: the terminal is not this program's, or not this job's alone
        self.far = False
        #: in a keeper: its evaluator is at work
        self.evaluating = False
        #: evaluators of this shell on other nodes
        self.abroad: set[Pid] = set()
        self.left = False
        self.status = 0

    def is_own(self, pid: Pid) -> bool:
        """Whether a process is an evaluator of this shell: what it prints is what was typed."""
        return pid == self.evaluator or pid in self.abroad

    def escape(self) -> None:
        """From any thread: ask what is to become of the evaluation that goes on."""
        if self.server is not None:
            send(self.server, (self.tag, "escape"))

    def complete(self, before: str) -> Found:
        """What could be typed next, in the job whose prompt is shown. For a thread of its own."""
        return self.completer(before)

    def complete_here(self, before: str) -> Found:
        """What could be typed next, by the bindings of this node."""
        from shell.completion import complete
        from shell.surroundings import Surroundings
        from shell.values import bindings

        if self._around is None:
            self._around = Surroundings()
        return complete(before, bindings(self.module), self._around)
