"""Every example in the docstrings of pyex.otp runs, and shows what it says.

A module's examples run in the order in which they stand there, in one namespace that begins as after ``from pyex import
*``: what the docstring of a class starts, those of its methods may use. Two servers are there for all of them,
``Counter`` and ``Clock``. Pids, references and addresses may be others; of an example that shows no output only
that it runs is checked.
"""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import pyex
import pyex.otp

FOLDER = Path(pyex.otp.__path__[0])
NAMES = sorted(f"pyex.otp.{file.stem}" for file in FOLDER.glob("*.py") if ">>> " in file.read_text())
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL

_IDENTIFIER = re.compile(r"\b(Pid|Ref|Port)\('[0-9.]+'(, '[^']*')?\)|\b0x[0-9a-f]+\b")


class Counter(pyex.GenServer):
    """Counts."""

    def init(self, start=0):
        self.n = start

    def handle_call(self, request, caller):
        match request:
            case "get":
                return pyex.Reply(self.n)
            case ("divide", by):
                return pyex.Reply(self.n // by)
            case _:
                return super().handle_call(request, caller)

    def handle_cast(self, request):
        match request:
            case ("add", k):
                self.n += k
            case _:
                super().handle_cast(request)


class Clock(pyex.GenServer):
    """Ticks."""

    def init(self, seconds=1):
        self.seconds = seconds
        self.ticks = 0
        return pyex.Timeout(seconds)

    def handle_info(self, message):
        self.ticks += 1
        return pyex.NoReply(pyex.Timeout(self.seconds))


class Checker(doctest.OutputChecker):
    """Identifiers are equal to each other, and no output is as good as any."""

    def check_output(self, want, got, optionflags):
        if not want:
            return True
        want, got = (_IDENTIFIER.sub(lambda found: found[1] or "0x", text) for text in (want, got))
        return super().check_output(want, got, optionflags)


def examples(name):
    """All examples of a module as one test."""
    module = importlib.import_module(name)
    found = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs={})
    found = sorted((test for test in found if test.examples), key=lambda test: test.lineno or 0)
    parts = []
    for test in found:
        for example in test.examples:
            example.lineno += test.lineno or 0
            parts.append(example)
    names = {public: getattr(pyex, public) for public in pyex.__all__} | {"Counter": Counter, "Clock": Clock}
    return doctest.DocTest(parts, names, name, found[0].filename, 0, None)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_run(name):
    test = examples(name)
    report = []
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)


def test_a_wrong_example_would_be_seen():
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)
    text = ">>> 1 + 1\n3\n\n>>> Pid('0.110.0')\nPid('0.5.0')\n\n>>> self()\n\n>>> missing\n"
    test = doctest.DocTestParser().get_doctest(text, dict(vars(pyex)), "wrong", "wrong", 0)
    failures = []
    runner.run(test, out=failures.append)
    assert "Got:\n    2" in "".join(failures)
    assert "NameError" in "".join(failures)
    assert runner.failures == 2
