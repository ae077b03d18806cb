"""The bar that tells how far a stream is: in a terminal, on request."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pexpect
import pytest

from pyex import Task
from pyex.otp.progress import Bar
from tests.core.support import ROOT, SOON


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines(stream):
    """What each writing of the line has left in it."""
    return stream.getvalue().split("\r\x1b[K")[1:]


@pytest.fixture
def no_time(monkeypatch):
    """None goes by, as far as the bar can tell."""
    monkeypatch.setattr("pyex.otp.progress.time", SimpleNamespace(monotonic=lambda: 100.0))


def test_a_bar_counts_to_what_there_is(monkeypatch, no_time):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(Task.async_stream(len, ["a", "bc"], progress="lengths")) == [1, 2]
    drawn = lines(terminal)
    assert drawn[0] == f"lengths [{'-' * 30}] 0/2  0:00"
    assert drawn[-1] == f"lengths [{'#' * 30}] 2/2  0:00\n"


def test_of_what_has_no_length_only_the_count_is_told(monkeypatch, no_time):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    stream = Task.async_stream(len, (text for text in ["a", "bc"]), progress=True)
    assert terminal.getvalue() == ""
    assert next(stream) == 1
    stream.close()
    assert lines(terminal)[-1] == "1  0:00\n"


def test_the_line_says_what_is_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("pyex.otp.progress.time", SimpleNamespace(monotonic=lambda: now[0]))
    stream = Terminal()
    bar = Bar(stream, "", 4)
    for _ in range(3):
        now[0] += 1300
        bar.step()
    assert bar.text() == f"[{'#' * 22}{'-' * 8}] 3/4  1:05:00, 21:40 left"
    assert len(lines(stream)) == 3
    bar.step()
    assert len(lines(stream)) == 3, "it was drawn again too soon"


def test_without_a_terminal_there_is_none(monkeypatch):
    stream = io.StringIO()
    for stderr in (stream, None):
        monkeypatch.setattr(sys, "stderr", stderr)
        assert list(Task.async_stream(len, ["a", "bc"], progress=True)) == [1, 2]
    assert stream.getvalue() == ""


PROGRAM = "from pyex import *; print(len(list(Task.async_stream(abs, range(5), progress='going'))))"


def test_in_a_real_terminal_it_is_one_line():
    child = pexpect.spawn(
        sys.executable, ["-c", PROGRAM], cwd=ROOT, timeout=SOON * 2, encoding="utf-8", dimensions=(24, 60)
    )
    child.expect_exact("5/5")
    child.expect(r"5\r\n")
    child.expect(pexpect.EOF)
    child.wait()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, check=True, timeout=SOON * 2, env={**os.environ}
    )  # fmt: skip
    assert done.stderr == b""
