"""Crash reports: one for each abnormal end, through the logger ``pyex.process``."""

import logging

import pytest

from pyex import Exit, Process, exit, receive, self, send, spawn
from tests.core.support import SOON, ended, forever, link_at, messages, monitor_at, start_at


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def texts(self):
        return [record.getMessage() for record in self.records]


@pytest.fixture(params=[0, "thread"])
def place(request):
    return request.param


@pytest.fixture
def log():
    logger = logging.getLogger("pyex.process")
    kept = Kept()
    logger.addHandler(kept)
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    logger.propagate = False
    yield kept
    logger.propagate = True
    logger.removeHandler(kept)


def failing():
    return 1 // 0


def test_a_crash_is_reported_once_with_all_that_helps(log, place):
    pid, _ = monitor_at(place, failing)
    ended(pid)
    [record] = log.records
    assert record.name == "pyex.process"
    assert record.levelno == logging.ERROR
    assert record.pid == pid
    text = record.getMessage()
    assert f"Process {pid!r} ended: ZeroDivisionError: integer division or modulo by zero" in text
    assert "Initial call: tests.core.test_reports.failing" in text
    assert "in failing\n" in text
    assert "pyex/core" not in text
    assert text.count("Traceback") == 1


def test_the_report_is_there_when_the_end_is_known(log, place):
    for turn in range(1, 51):
        monitor_at(place, failing)
        receive(timeout=SOON)
        assert len(log.records) == turn


def test_a_named_and_linked_process_is_described_so(log):
    Process.flag("trap_exit", True)

    def named():
        receive("go")
        exit("boom")

    pid = link_at(0, named)
    Process.register(pid, "worker")
    send(pid, "go")
    ended(pid)
    [text] = log.texts()
    assert f"Process {pid!r} ('worker') ended: 'boom'" in text
    assert f"Linked to: {self()!r}" in text
    messages()


@pytest.mark.parametrize("reason", ["normal", "shutdown", ("shutdown", "any reason")])
def test_an_orderly_end_is_not_reported(log, place, reason):
    ended(start_at(place, exit, reason))
    ended(start_at(place, int))
    ended(start_at(place, quit_with, SystemExit(0)))
    pid = start_at(place, trapping_nothing)
    if reason != "normal":
        Process.exit(pid, reason)
        ended(pid)
    assert log.texts() == []


def trapping_nothing():
    receive(timeout=SOON)


def quit_with(error):
    raise error


@pytest.mark.parametrize("reason", ["boom", ("shutdown", 1, 2), ("normal",), None, 42, ["shutdown"]])
def test_any_other_end_is_reported(log, place, reason):
    ended(start_at(place, exit, reason))
    [text] = log.texts()
    assert f"ended: {reason!r}" in text


def test_an_exit_from_outside_is_reported_without_a_trace(log, place):
    pid = start_at(place, forever)
    Process.exit(pid, "kill")
    ended(pid)
    [text] = log.texts()
    assert f"Process {pid!r} ended: 'killed'" in text
    assert "Traceback" not in text


def test_one_ended_before_it_began_is_reported_too(log):
    def body():
        pid = spawn(forever)
        Process.exit(pid, "never ran")
        return ended(pid)

    pid, _ = monitor_at(0, body)
    ended(pid)
    [text] = log.texts()
    assert "ended: 'never ran'" in text


def test_a_long_reason_is_cut(log):
    ended(spawn(exit, "x" * 10_000))
    assert len(log.texts()[0]) < 3000


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Mute:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [Speechless(), Exit(Mute())], ids=["exception", "reason"])
def test_what_cannot_be_shown_is_reported_all_the_same(log, place, error):
    ended(start_at(place, quit_with, error))
    assert len(log.records) == 1
    assert ended(start_at(place, exit, "next")) in ("next", "noproc")


class Refusing(logging.Filter):
    def filter(self, record):
        raise RuntimeError("a filter of somebody's own")


def test_a_logger_that_raises_keeps_nobody_from_ending(log, place, capsys):
    refusing = Refusing()
    logging.getLogger("pyex.process").addFilter(refusing)
    try:
        pid, ref = monitor_at(place, exit, "boom")
        assert receive(timeout=SOON) == ("DOWN", ref, "process", pid, "boom")
    finally:
        logging.getLogger("pyex.process").removeFilter(refusing)
    assert "a filter of somebody's own" in capsys.readouterr().err
    assert ended(start_at(place, int)) in ("normal", "noproc")
