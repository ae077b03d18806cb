"""Servers that run move to new code without losing their state."""

import importlib
import sys
import textwrap

import pytest

from pyex import Crash, Down, GenServer, Process, Supervisor, receive
from tests.core.support import SOON, until

OLD = """
    from pyex import GenServer, Reply

    class Counter(GenServer):
        def init(self, n=0):
            self.n = n

        def handle_call(self, request, caller):
            return Reply(("old", self.n))

        def handle_cast(self, request):
            self.n += 1
"""

NEW = OLD.replace('"old"', '"new"')

CHANGED = (
    NEW.replace("self.n)", "self.count)")
    + """
        def code_change(self, old):
            assert old.__qualname__ == "Counter" and old is not type(self)
            self.count = self.n * 100
            del self.n
"""
)

FAILING = (
    NEW
    + """
        def code_change(self, old):
            raise ValueError("cannot")
"""
)


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "reloaded_counter.py"

    def load(source):
        path.write_text(textwrap.dedent(source))
        importlib.invalidate_caches()
        if "reloaded_counter" in sys.modules:
            return importlib.reload(sys.modules["reloaded_counter"])
        return importlib.import_module("reloaded_counter")

    yield load
    sys.modules.pop("reloaded_counter", None)


def test_a_reload_moves_servers_that_run_and_their_state_stays(module):
    old = module(OLD).Counter
    servers = [old.start(n) for n in range(10)]
    for server in servers:
        GenServer.cast(server, "add")
    new = module(NEW).Counter
    assert [GenServer.call(server, "get") for server in servers] == [("new", n + 1) for n in range(10)]
    assert GenServer.call(old.start(5), "get") == ("new", 5)
    module(OLD)
    assert GenServer.call(servers[0], "get") == ("old", 1)
    assert new._stale


def test_code_change_adapts_the_state(module):
    server = module(OLD).Counter.start(3)
    module(CHANGED)
    assert GenServer.call(server, "get") == ("new", 300)
    assert GenServer.call(server, "get") == ("new", 300)
    assert GenServer.get_state(server) == {"count": 300}


def test_a_code_change_that_fails_ends_the_server_and_a_supervisor_starts_the_new_code(module):
    Supervisor.start_link([(module(OLD).Counter, 3)], name="tree")
    (child,) = Supervisor.which_children("tree")
    ref = Process.monitor(child.pid)
    module(FAILING)
    GenServer.cast(child.pid, "add")
    assert receive(Down(ref), timeout=SOON).reason == Crash(ValueError("cannot"))
    until(lambda: Supervisor.which_children("tree")[0].pid not in (child.pid, "restarting"))
    assert GenServer.call(Supervisor.which_children("tree")[0].pid, "get") == ("new", 3)
    GenServer.stop("tree")


def test_classes_of_one_name_that_are_not_the_modules_change_nothing(module):
    """Those made in functions, and those that come by value from other nodes."""
    loaded = module(OLD)
    server = loaded.Counter.start(3)
    stranger = type("Counter", (GenServer,), {"__module__": "reloaded_counter", "__qualname__": "Counter"})
    assert GenServer.call(server, "get") == ("old", 3)
    assert stranger._stale is False

    def make(n):
        class Local(GenServer):
            def init(self):
                self.n = n

        return Local

    first, second = make(1), make(2)
    assert not first._stale
    assert GenServer.get_state(first.start()) == {"n": 1}
    assert GenServer.get_state(second.start()) == {"n": 2}
