"""Every example in the docstrings of pyex.otp runs, and shows what it says.

Two servers are there for all of them, ``Counter`` and ``Clock``.
"""

import doctest

import pytest

import pyex
from tests.docstrings import FLAGS, Checker, modules, run_examples


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


@pytest.mark.parametrize("name", modules("pyex/otp"))
def test_the_examples_of_a_module_run(name):
    if name == "pyex.otp.system":
        Counter.start(10, name="counter")
    run_examples(name, {"Counter": Counter, "Clock": Clock})


def test_a_wrong_example_would_be_seen():
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)
    text = ">>> 1 + 1\n3\n\n>>> Pid('0.110.0')\nPid('0.5.0')\n\n>>> self()\n\n>>> missing\n"
    test = doctest.DocTestParser().get_doctest(text, dict(vars(pyex)), "wrong", "wrong", 0)
    failures = []
    runner.run(test, out=failures.append)
    assert "Got:\n    2" in "".join(failures)
    assert "NameError" in "".join(failures)
    assert runner.failures == 2
