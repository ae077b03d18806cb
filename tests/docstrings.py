"""How the examples in docstrings are run by the tests: each is to run, and to show what it says.

A module's examples run in the order in which they stand there, in one namespace that begins as after ``from pyex import
*``: what the docstring of a class starts, those of its methods may use. Pids, references and addresses may be others; of
an example that shows no output only that it runs is checked.
"""

import doctest
import importlib
import re

import pyex
from tests.core.support import ROOT

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL

_IDENTIFIER = re.compile(r"\b(Pid|Ref|Port)\('[0-9.]+'(, '[^']*')?\)|\b0x[0-9a-f]+\b")


def modules(folder):
    """The modules of a folder of the library that have examples."""
    files = sorted((ROOT / folder).glob("*.py"))
    names = [".".join((*folder.split("/"), file.stem)) for file in files if ">>> " in file.read_text()]
    return [name.removesuffix(".__init__") for name in names]


class Checker(doctest.OutputChecker):
    """Identifiers are equal to each other, and no output is as good as any."""

    def check_output(self, want, got, optionflags):
        if not want:
            return True
        want, got = (_IDENTIFIER.sub(lambda found: found[1] or "0x", text) for text in (want, got))
        return super().check_output(want, got, optionflags)


def examples(name, more):
    """All examples of a module as one test, which knows ``more`` names."""
    module = importlib.import_module(name)
    found = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs={})
    found = sorted((test for test in found if test.examples), key=lambda test: test.lineno or 0)
    parts = []
    for test in found:
        for example in test.examples:
            example.lineno += test.lineno or 0
            parts.append(example)
    names = {public: getattr(pyex, public) for public in pyex.__all__} | more
    return doctest.DocTest(parts, names, name, found[0].filename, 0, None)


def run_examples(name, more):
    """Run all examples of a module, and fail with a report on those that do not show what they say."""
    report = []
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)
    runner.run(examples(name, more), out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)
