"""Starting a process and waiting until it is ready: statements 23 and 24 of the behaviour contract."""

import pytest

from pyex import Crash, Exit, GenServer, Ignore, Process, StartError, Stop, receive, self, send
from tests.core.support import messages


class Server(GenServer):
    def init(self, how=None, tell=None):
        if tell is not None:
            send(tell, "init ran")
        match how:
            case "raise":
                raise ValueError("no")
            case "stop":
                return Stop("why")
            case "ignore":
                return Ignore()
            case "exit":
                raise Exit("gone")
            case "hang":
                receive("never")
        return None


@pytest.mark.parametrize("start", [Server.start, Server.start_link])
@pytest.mark.parametrize("how", ["raise", "stop", "exit", "hang", "ignore"])
def test_23_a_start_that_fails_raises_leaves_the_name_free_and_no_message(start, how):
    Process.flag("trap_exit", True)
    reasons = {"raise": Crash(ValueError("no")), "stop": "why", "exit": "gone", "hang": "timeout"}
    if how == "ignore":
        assert start("ignore", name="server") is None
    else:
        with pytest.raises(StartError) as caught:
            start(how, name="server", timeout=0.05 if how == "hang" else None)
        assert caught.value.reason == reasons[how]
        assert caught.value.__cause__ is getattr(caught.value.reason, "exception", None)
    assert Process.whereis("server") is None
    assert messages() == []


def test_24_a_taken_name_never_runs_init():
    pid = Server.start(name="server")
    for start in (Server.start, Server.start_link):
        with pytest.raises(StartError, match="the name 'server' is taken") as caught:
            start(None, self(), name="server")
        assert caught.value.reason == ("already_started", pid)
    GenServer.stop(pid)
    assert messages() == []
