"""Lessons: Markdown files whose ``pyex`` blocks are sessions at the prompt, read here into steps."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final, NamedTuple

from shell.blocks import is_complete

#: Bytes of a file that is still taken for a lesson.
LARGEST: Final = 1_000_000

_FENCE: Final = "```"
_SESSION: Final = "```pyex"

#: ``pyex> ``, or as the shell itself writes it.
_PROMPT: Final = re.compile(r"pyex(\([^)]*\)\d*)?> ?")
_CONTINUED: Final = "..."
_HEADING: Final = re.compile(r"#+ +(?:\d+\. *)?(.*)")

#: The last line that is printed when an input raises, or ends the shell's process.
_FAILS: Final = re.compile(r"^(Traceback \(most recent call last\):|\*\* \(EXIT from )", re.MULTILINE)
_BAD_INPUT: Final = re.compile(r"^\w*(Syntax|Indentation|Tab)Error\b", re.MULTILINE)

#: Identifiers, and names of nodes that were chosen by themselves: they are others every time.
_IDENTIFIER: Final = re.compile(r"\b(Pid|Ref|Port)\('[0-9.]+'(, '[^']*')?\)|\b(pyex)[0-9]+(-peer[0-9]+)?(?=@)")


class LessonError(ValueError):
    """A file is no lesson; the text says in which line, and what is to stand there."""


class Step(NamedTuple):
    """One input of a lesson, the text before it, and what comes of it."""

    #: of the file, where the input begins
    line: int
    text: str
    source: str
    expected: str

    @property
    def fails(self) -> bool:
        """Whether the input is to raise, or to end the shell's process."""
        return _FAILS.search(self.expected) is not None or _BAD_INPUT.search(self.expected) is not None


class Lesson(NamedTuple):
    """A lesson: its steps, and the text after the last one."""

    #: what its progress is kept under
    key: str
    #: what ``lesson()`` finds it by
    name: int | str
    title: str
    steps: tuple[Step, ...]
    ending: str


def folder() -> Path:
    """Where the lessons are that come with pyex."""
    installed = Path(__file__).parent / "tutorials"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "tutorials"


def shipped() -> dict[int, Path]:
    """The files of the lessons that come with pyex, by their numbers."""
    return {int(path.name[:2]): path for path in sorted(folder().glob("[0-9][0-9]-*.md"))}


def find(which: int | str | Path) -> Lesson:
    """A lesson by its number, a word of its name, or the path of its file. Raises ``LookupError`` and what ``read`` does."""
    ours = shipped()
    if isinstance(which, str) and which.isdecimal() and not Path(which).exists():
        which = int(which)
    if isinstance(which, int) and not isinstance(which, bool):
        if which not in ours:
            raise LookupError(f"there is no lesson {which}; there are 1 to {max(ours, default=0)}, lesson() lists them")
        return read(ours[which], which)
    if not isinstance(which, str | Path):
        raise TypeError(f"lesson() takes a number, a word or the path of a file, not {type(which).__name__}")
    path = Path(which).expanduser()
    if path.is_file():
        return read(path)
    word = str(which).lower().replace(" ", "-")
    named = [number for number, file in ours.items() if word and word in file.stem]
    if len(named) == 1:
        return read(ours[named[0]], named[0])
    raise LookupError(
        f"there is no lesson {str(which)!r}, and no such file. lesson() lists those there are; the path of a Markdown file "
        "plays that"
    )


def read(path: Path, number: int | None = None) -> Lesson:
    """Read a file. Raises ``LessonError``, ``OSError``."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise LessonError(f"{path.name} has more than {LARGEST:,} bytes, too many for a lesson")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LessonError(f"{path.name}, line {line}: this is no UTF-8, in which lessons are written") from None
    key, name = (str(path.resolve()), str(path)) if number is None else (path.stem, number)
    return parse(text, key, name, path.name)


def parse(text: str, key: str, name: int | str, file: str) -> Lesson:
    """The lesson in a text. Raises ``LessonError``."""
    parser = _Parser(file)
    for number, line in enumerate(text.splitlines(), 1):
        parser.take(number, line.rstrip())
    parser.end()
    heading = next((found for line in text.splitlines() if (found := _HEADING.match(line))), None)
    title = heading[1] if heading else file.rpartition(".")[0] or file
    return Lesson(key, name, title, tuple(parser.steps), "\n".join(parser.text).strip())


class _Parser:
    """The lines, one after the other."""

    def __init__(self, file: str) -> None:
        self.steps: list[Step] = []
        #: the text since the last session
        self.text: list[str] = []
        self._file = file
        #: the line where the block begins that this is in
        self._block: int | None = None
        self._in_session = False
        #: an input that goes on in the next line, and its columns left of the code
        self._input: list[str] = []
        self._margin = 0
        self._begun = 0

    def take(self, number: int, line: str) -> None:
        if line.startswith(_FENCE):
            self._fence(number, line)
        elif not self._in_session:
            self.text.append(line)
        elif self._input:
            self._go_on(number, line)
        elif prompt := _PROMPT.match(line):
            self._begin(number, line[prompt.end() :], 1 if prompt[1] else 3)
        elif self.steps and self._in_this_block():
            self.steps[-1] = self.steps[-1]._replace(expected=f"{self.steps[-1].expected}{line}\n")
        elif line:
            raise self._error(number, f"a block of {_SESSION} begins with an input: pyex> 1 + 1")

    def end(self) -> None:
        if self._block is not None:
            raise self._error(self._block, f"the block that begins here has no end, a line of {_FENCE}")
        if not self.steps:
            raise LessonError(
                f"{self._file} has nothing to play. A lesson is Markdown with blocks that begin with a line of {_SESSION} "
                "and hold inputs after 'pyex> ', each followed by what it prints"
            )

    def _error(self, number: int, what: str) -> LessonError:
        return LessonError(f"{self._file}, line {number}: {what}")

    def _in_this_block(self) -> bool:
        return self._block is not None and self.steps[-1].line > self._block

    def _fence(self, number: int, line: str) -> None:
        if self._input:
            raise self._unfinished()
        if self._block is not None:
            if not self._in_session:
                self.text.append(line)
            elif not self.steps or not self._in_this_block():
                raise self._error(self._block, "the block that begins here has no input: pyex> 1 + 1")
            self._block, self._in_session = None, False
            return
        self._block, self._in_session = number, line.split() == [_SESSION]
        if not self._in_session:
            self.text.append(line)

    def _begin(self, number: int, source: str, margin: int) -> None:
        if not source.strip():
            raise self._error(number, "there is no input after this prompt")
        self._begun, self._margin, self._input = number, margin, [source]
        self._close_if_complete()

    def _go_on(self, number: int, line: str) -> None:
        rest = line.removeprefix(_CONTINUED)
        if rest == line:
            raise self._unfinished()
        if rest and rest[0] != " ":
            raise self._error(number, f"{_CONTINUED} is followed by a blank, and then by the code")
        width = self._margin if rest[: self._margin].isspace() else 1
        self._input.append(rest[width:])
        self._close_if_complete()

    def _unfinished(self) -> LessonError:
        return self._error(
            self._begun,
            f"this input has no end: its further lines begin with {_CONTINUED}, and after a block comes one of just that",
        )

    def _close_if_complete(self) -> None:
        source = "\n".join(self._input)
        if is_complete(source):
            self.steps.append(Step(self._begun, "\n".join(self.text).strip(), source.rstrip(), ""))
            self._input, self.text = [], []


def check(lesson: Lesson, file: str) -> None:
    """Raise ``LessonError`` for an input that is no Python, unless the lesson says so itself."""
    for step in lesson.steps:
        try:
            compile(step.source, file, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            if _BAD_INPUT.search(step.expected) is None:
                line = step.line + (error.lineno or 1) - 1
                raise LessonError(f"{file}, line {line}: this input is no Python: {error.msg}") from None


def same(expected: str, printed: str) -> bool:
    """Whether an output is what it should be; identifiers may be others, and ``...`` stands for anything."""
    expected, printed = (
        " ".join(_IDENTIFIER.sub(lambda found: found[1] or found[3], text).split()) for text in (expected, printed)
    )
    pieces = [re.escape(piece.strip()) for piece in expected.split("...")]
    return re.fullmatch(".*".join(pieces), printed) is not None
