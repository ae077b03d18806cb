"""The player of lessons: a reader of inputs that offers those of a lesson, and takes whatever is typed instead.

It stands between the server and the reader there was before. All that it says is printed before the prompt; what is
typed is evaluated like any other input, so whatever happens in a lesson happens in the shell that one knows.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Final

import pyex
from pyex import Pid, Process
from shell import display, lesson_file, output
from shell.lesson_file import Lesson, Step
from shell.lesson_progress import Place, Progress
from shell.lesson_text import rendered
from shell.questions import Question
from shell.rest import come_to_rest

if TYPE_CHECKING:
    from shell.state import Shell

#: Seconds that what a step has started gets to come to rest, so that what it prints stands before the text after it.
REST: Final = 0.5

#: The job whose prompt lessons are played at.
_LOCAL: Final = 1

#: The link to the next lesson, for those who read; here that one stands ready.
_ONWARD: Final = re.compile(r"\n*Next: \[.*\]\(.*\)\.$")

_READY: Final = (
    "**Enter** plays the input that stands at the prompt. The right arrow lets you edit it first; what you type in its place "
    "is evaluated as ever, and the lesson waits. `lesson.skip()` and `lesson.back()` move, **Ctrl-D** leaves."
)
_BY_HAND: Final = (
    "Type each input that is shown, or press **Enter** on an empty line to have it played. Whatever else you type is "
    "evaluated as ever, and the lesson waits. `lesson.skip()` and `lesson.back()` move, **Ctrl-D** leaves."
)
_WITHOUT_A_TERMINAL: Final = (
    "Type each input that is shown, or `lesson.next()` to have it played. Whatever else you type is evaluated as ever, and "
    "the lesson waits. `lesson.skip()` and `lesson.back()` move, `lesson.leave()` leaves."
)
_FAILED: Final = (
    "This was not to fail here; perhaps a name means something else by now. It can be played again; `lesson.skip()` goes on "
    "without it, `lesson.back()` goes one step back, and `lesson.restart()` begins the lesson anew."
)


class Player:
    """One shell's. Its methods are called by the server, those that move also by the helpers, between two inputs."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._reader = shell.reader
        self.edits = self._reader.edits
        self.progress = Progress(shell.progress_file)
        self.lesson: Lesson | None = None
        #: the number of the step that comes next, from 0
        self.position = 0
        #: inputs stand ready at the prompt, where that can be; else they are to be typed
        self.ready = True
        #: the lesson that was begun last, and the furthest step that has been come to in it
        self.last: Lesson | None = None
        self.furthest = 0
        #: processes that steps have started
        self.started: set[Pid] = set()
        self._there_before: set[Pid] = set()
        #: steps before this one are played without waiting for anybody
        self._until = 0
        #: the text before the next step has been printed
        self._told = False
        #: one has come here from elsewhere: the text is told that a step without one of its own belongs to
        self._came = False
        #: the input that was read last, and its number
        self._given: tuple[int, str] | None = None
        self._interrupted = False
        #: the words that have told how a lesson is played
        self._explained = ""
        #: what stands ready when the lesson is over: the call of the next one
        self._afterwards = ""

    # What a reader does.

    def read(self, node: str, number: int, offered: str | None = None) -> str | None:
        """The next input: that of the lesson, or what is typed instead."""
        if self._shell.front != _LOCAL:
            return self._reader.read(node, number, offered)
        self._look_back()
        step = self._next_step()
        if step is None:
            afterwards, self._afterwards = self._afterwards, ""
            return self._reader.read(node, number, afterwards or None)
        if self.position < self._until:
            return self._give(number, self._reader.show(node, number, step.source))
        source = self._reader.read(node, number, step.source if self._stands_ready() else "")
        if source is None:
            if not self.edits:
                return None
            self.leave()
            return ""
        if not source.strip() and not self._stands_ready():
            source = self._reader.show(node, number, step.source)
        return self._give(number, source)

    def show(self, node: str, number: int, source: str) -> str:
        """As the reader does."""
        return self._reader.show(node, number, source)

    def aside(self) -> None:
        """As the reader does."""
        self._reader.aside()

    def ask(self, question: Question) -> str:
        """As the reader does."""
        return self._reader.ask(question)

    def interrupted(self) -> None:
        """A step that has not succeeded is not over; those that were to be played by themselves wait."""
        self._interrupted = True
        self._until = 0
        self._reader.interrupted()

    # What the helpers do.

    def begin(self, lesson: Lesson, position: int, *, played: bool) -> None:
        """Begin a lesson, or go on in it; the steps before are played again unless they have been, in this shell."""
        self.lesson = self.last = lesson
        self._until = 0 if played else position
        self.furthest = self.furthest if played else 0
        self._came = True
        self._move(position if played else 0)
        what = f"This lesson has {len(lesson.steps)} steps."
        if position and not played:
            what += f" Those before step {position + 1} are played again, for what they define. **Ctrl-C** stops that."
        how = _READY if self._stands_ready() else _BY_HAND if self.edits else _WITHOUT_A_TERMINAL
        self._say(f"{what} {'' if how == self._explained else how}")
        self._explained = how

    def play(self) -> None:
        """Play the next step."""
        self._until = self.position + 1
        self._told = True

    def move(self, by: int) -> None:
        """Go on, or back, without playing anything."""
        assert self.lesson is not None
        self._until = 0
        self._came = True
        self._move(min(max(self.position + by, 0), len(self.lesson.steps)))

    def reopen(self) -> None:
        """Into the lesson that is just over, at its end."""
        if self.lesson is None and self.last is not None and self.position == len(self.last.steps):
            self.lesson, self._afterwards = self.last, ""

    def leave(self) -> None:
        """Stop; one can go on from here."""
        assert self.lesson is not None
        lesson, self.lesson = self.lesson, None
        steps = len(lesson.steps)
        self._say(
            f"You have left this lesson at step {self.position + 1} of {steps}; `lesson({lesson.name!r})` goes on there."
        )

    # Its own affairs.

    def _stands_ready(self) -> bool:
        return self.edits and self.ready

    def _move(self, position: int) -> None:
        assert self.lesson is not None
        self.position = position
        self.furthest = max(self.furthest, position)
        self._told = False
        self._given = None
        if position < self._until:
            return  # that is where it was left, and goes on
        steps = len(self.lesson.steps)
        done = self.progress.get(self.lesson.key).done or position == steps
        self.progress.put(self.lesson.key, Place(position % steps, done))

    def _next_step(self) -> Step | None:
        """The next step, its text told; None when there is no lesson, or no more of it."""
        lesson = self.lesson
        if lesson is None:
            return None
        hurries = self.position < self._until
        if self.position == len(lesson.steps):
            self._end(lesson)
            return None
        step = lesson.steps[self.position]
        if not self._told:
            self._told = not hurries
            text = "" if hurries else step.text or self._text_above()
            source = step.source if not self._stands_ready() and not (hurries and self.edits) else ""
            self._came = self._came and hurries
            self._say(told(text, source))
        self._there_before = set(Process.list())
        return step

    def _text_above(self) -> str:
        """For who comes from elsewhere: the last text before the next step."""
        assert self.lesson is not None
        steps = self.lesson.steps[: self.position] if self._came else ()
        return next((step.text for step in reversed(steps) if step.text), "")

    def _end(self, lesson: Lesson) -> None:
        text = f"{_ONWARD.sub('', lesson.ending)}\n\nThis lesson is over."
        after = lesson.name + 1 if isinstance(lesson.name, int) else 0
        if after in lesson_file.shipped():
            self._afterwards = f"lesson({after})"
            text += f" `{self._afterwards}` is the next one."
        self._say(text)
        self.lesson = None

    def _give(self, number: int, source: str) -> str:
        self._given = number, source
        return source

    def _look_back(self) -> None:
        """See what has become of the input before, and go on if it was that of the lesson."""
        given, self._given = self._given, None
        interrupted, self._interrupted = self._interrupted, False
        if given is None or self.lesson is None:
            return
        number, source = given
        step = self.lesson.steps[self.position]
        if not source.strip() or not _is_it(source, step.source):
            return
        come_to_rest(REST)
        leader = self._shell.leader
        assert leader is not None
        new = set(Process.list()) - self._there_before
        self.started.update(pid for pid in new if not self._shell.is_own(pid) and _led_by(pid, leader))
        pyex.sync_output(leader)
        results = self._shell.results
        failed = number not in results.succeeded
        if failed and interrupted:
            return
        if failed and not step.fails:
            self._until = 0
            self._say(_FAILED)
            return
        if number in results.values and not _as_expected(step, results.values[number]):
            self._say("In the lesson this gives `" + step.expected.strip().rpartition("\n")[2] + "`.")
        self._move(self.position + 1)

    def _say(self, markdown: str) -> None:
        screen, leader = self._shell.screen, self._shell.leader
        fine = (screen.out.encoding or "").lower().startswith("utf")
        text = rendered(markdown, width=screen.width(), colour=screen.colour, fine=fine)
        if text and leader is not None:
            output.put(leader, text)
            pyex.sync_output(leader)


def told(text: str, source: str) -> str:
    """What is said before a step: its text, and its input where that does not stand at a prompt."""
    return text + (f"\n\n~~~~~~\n{source}\n~~~~~~" if source else "")


def _led_by(pid: Pid, leader: Pid) -> bool:
    info = Process.info(pid)
    return info is not None and info.group_leader == leader


def _as_expected(step: Step, value: object) -> bool:
    """Whether a value is what a lesson shows; that may have more lines above it, which processes have printed."""
    if not step.expected.strip():
        return True  # most often what it gives is of no interest
    shown = display.result(value, colour=False)
    last = "\n".join(step.expected.rstrip("\n").split("\n")[-shown.count("\n") :])
    return any(lesson_file.same(expected, shown) for expected in (step.expected, last))


def _is_it(typed: str, source: str) -> bool:
    """Whether an input is that of a lesson: the same code, or code that binds the same names."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the evaluation has told them
            given, wanted = ast.parse(typed), ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return typed.strip() == source.strip()
    if ast.dump(given) == ast.dump(wanted):
        return True
    names = _bound(wanted)
    return bool(names) and _bound(given) == names


def _bound(tree: ast.Module) -> set[str]:
    """The names that an input binds itself, not within functions and classes."""
    found: set[str] = set()
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found.update(one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found.update(one.asname or one.name for one in names)
    return found
