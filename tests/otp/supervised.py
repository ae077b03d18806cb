"""What the tests of supervisors share: children that tell the test what becomes of them."""

import contextlib
import logging

import pytest

from pyex import (
    ANY,
    ChildSpec,
    Down,
    GenServer,
    Process,
    Reply,
    StartError,
    Stop,
    Supervisor,
    exit,
    receive,
    self,
    send,
)
from tests.core.support import SOON


class Worker(GenServer):
    """Tells ``("up", id)`` and ``("down", id, reason)``, and ends as it is told to."""

    def init(self, test, id, trap=True):
        Process.flag("trap_exit", trap)
        self.test, self.id = test, id
        send(test, ("up", id))

    def handle_call(self, request, caller):
        match request:
            case "pid":
                return Reply(self())
            case ("crash", text):
                raise ValueError(text)
            case ("stop", reason):
                return Stop(reason, reply="stopping")
            case ("kill", pid):
                Process.exit(pid, "kill")
                return Reply(None)
        return super().handle_call(request, caller)

    def handle_cast(self, request):
        match request:
            case ("end", reason):
                exit(reason)

    def handle_info(self, message):
        """An exit that is none of the supervisor's."""

    def terminate(self, reason):
        send(self.test, ("down", self.id, reason))


def worker(id, start=Worker.start_link, args=(), **fields):
    """A child that is a ``Worker``; quiet about its ups and downs if it is asked to be."""
    return ChildSpec(id, (start, (self(), id, *args)), **fields)


class Scripted:
    """A start that fails and succeeds as it is told to; it is called in the supervisor, and shared with that."""

    def __init__(self, *outcomes):
        outcomes = list(outcomes)
        self.attempts = attempts = []

        def start(test, id):
            succeeds = outcomes.pop(0) if outcomes else True
            attempts.append(succeeds)
            if callable(succeeds):
                succeeds = succeeds()
            if not succeeds:
                raise StartError("boom")
            return Worker.start_link(test, id)

        self.start = start


def news(*patterns):
    """What a child has told."""
    return receive(*patterns or (("up", ANY), ("down", ANY, ANY)), timeout=SOON)


def all_news():
    """What children have told until now."""
    got = []
    while (one := receive(("up", ANY), ("down", ANY, ANY), timeout=0, default=None)) is not None:
        got.append(one)
    return got


def pids(supervisor):
    """The children by their ids."""
    return {child.id: child.pid for child in Supervisor.which_children(supervisor)}


def end(pid, reason):
    """Let a worker end with a reason, and wait until it has: its supervisor then hears of it before all that follows."""
    ref = Process.monitor(pid)
    GenServer.cast(pid, ("end", reason))
    assert receive(Down(ref), timeout=SOON).reason == reason


def kill(pid):
    """Likewise, by a kill."""
    ref = Process.monitor(pid)
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"


def reason_of(pid):
    """Wait for the end of a process, and tell its reason."""
    return receive(Down(Process.monitor(pid)), timeout=SOON).reason


@contextlib.contextmanager
def trapping():
    """Exits of linked processes are messages meanwhile."""
    before = Process.flag("trap_exit", True)
    try:
        yield
    finally:
        Process.flag("trap_exit", before)


class Records(logging.Handler):
    """Keeps what is logged under pyex.supervisor."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def said(self):
        """(context, child's id, reason) of each report."""
        return [(one.context, one.child, one.reason) for one in self.records if hasattr(one, "context")]


@pytest.fixture
def records():
    """The reports of supervisors."""
    log = logging.getLogger("pyex.supervisor")
    handler = Records()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.setLevel(logging.NOTSET)
    log.removeHandler(handler)


@pytest.fixture(autouse=True)
def _trapping():
    with trapping():
        yield
