"""Lessons: what they say is typed into a shell, and what it should answer."""

import doctest
import logging
import re
import time
from pathlib import Path
from typing import NamedTuple

from pyex import Process, self, sleep
from shell.testing import capture_shell

LESSONS = sorted((Path(__file__).parents[2] / "tutorials").glob("[0-9][0-9]-*.md"))

PROMPT = "pyex> "
CONTINUED = "...   "
FENCE = "```"

#: What the shell prints after each input, to tell what belongs to which.
MARK = "~~~ {} ~~~"

#: The work, as ``Process.info`` counts it, after which a process is taken for one that never gives way: 100 milliseconds.
LONG = 400_000

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_IDENTIFIER = re.compile(r"\b(Pid|Ref|Port)\('[0-9.]+'(, '[^']*')?\)")


class Step(NamedTuple):
    line: int
    source: str
    expected: str


def steps(text):
    """What is typed in a lesson, in order: blocks that begin with ``pyex`` after the fence."""
    found = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(FENCE):
            inside = line == FENCE + "pyex"
        elif inside and line.startswith(PROMPT):
            found.append(Step(number, line.removeprefix(PROMPT), ""))
        elif inside and (line.startswith(CONTINUED) or line == CONTINUED.rstrip()) and not found[-1].expected:
            found[-1] = found[-1]._replace(source=f"{found[-1].source}\n{line[len(CONTINUED) :]}")
        elif inside:
            found[-1] = found[-1]._replace(expected=f"{found[-1].expected}{line}\n")
    return found


def differences(text):
    """Play a lesson; a description of each step whose output is another than it says."""
    lesson = steps(text)
    typed = ["from tests.tutorials.lessons import settle as _settle\n\n"]
    typed += [f"{step.source}\n\n_settle(); print({MARK.format(n)!r})\n\n" for n, step in enumerate(lesson)]
    logging.getLogger("pyex").setLevel(logging.NOTSET)  # reports are part of what one sees
    rest = capture_shell("".join(typed))
    wrong = []
    for n, step in enumerate(lesson):
        got, mark, rest = rest.partition(MARK.format(n) + "\n")
        if not mark or not same(step.expected, got):
            wrong.append(f"line {step.line}:\n{step.source}\nshould print\n{step.expected}but printed\n{got}")
    return wrong


def same(expected, got):
    """Whether an output is what it should be; identifiers may be others, ``...`` stands for anything."""
    expected, got = (_IDENTIFIER.sub(lambda found: found[1], output) for output in (expected, got))
    return doctest.OutputChecker().check_output(expected, got, _FLAGS)


def settle():
    """Wait until all processes wait, or compute for ever: what they have to print has been printed."""
    deadline = time.monotonic() + 30
    quiet = 0
    while quiet < 2:  # what one has told another while this looked at a third is seen the second time
        quiet = 0 if any(_busy(pid) for pid in Process.list() if pid != self()) else quiet + 1
        assert time.monotonic() < deadline, "processes are still busy"
        sleep(0.001)


def _busy(pid):
    info = Process.info(pid)
    if info is None:
        return pid in Process.list()  # it has still to end
    return info.status != "waiting" and info.reductions < LONG
