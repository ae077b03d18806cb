"""What is reported of servers that end."""

import logging

import pytest

from pyex import Down, GenServer, Process, ServerDown, receive, self, send
from tests.core.support import SOON
from tests.otp.servers import Counter


def test_the_report_names_the_last_request_and_the_state_that_format_status_shows(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)

    class Secret(Counter):
        def format_status(self, status):
            return {**status, "state": {"n": "(hidden)"}}

    class Broken(Counter):
        def format_status(self, status):
            raise ValueError

    for cls, shown in (
        (Counter, "{'n': 42}"),
        (Secret, "{'n': '(hidden)'}"),
        (Broken, "(format_status raised ValueError)"),
    ):
        caplog.clear()
        with pytest.raises(ServerDown):
            GenServer.call(cls.start(42), ("divide", 0))
        (record,) = (record for record in caplog.records if record.name == "pyex.process")
        text = record.getMessage()
        assert f"Last message: the call ('divide', 0) from {self()!r}" in text
        assert f"State: {shown}" in text or f"State: {shown!r}" in text
        assert ("'n': 42" in text) is (cls is Counter)
        assert "return Reply(self.n // by)" in text
        assert text.endswith("Initial call: tests.otp.servers.Counter.init" if cls is Counter else cls.__qualname__)
        assert "pyex/otp" not in text


def test_an_orderly_end_is_not_reported(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    for reason in ("normal", "shutdown", ("shutdown", "why")):
        GenServer.stop(Counter.start(), reason)
    assert caplog.text == ""


def test_elixirs_results_are_answered_with_how_they_are_written_here(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)

    class Elixir(Counter):
        def handle_call(self, request, caller):
            return request

    for result, words in (
        (("reply", [5], "state"), r"write Reply([5])"),
        (("noreply", "state"), "write NoReply()"),
        (("stop", "normal", "state"), "write Stop('normal')"),
        (("stop",), "write Stop(reason)"),
    ):
        caplog.clear()
        with pytest.raises(ServerDown):
            GenServer.call(Elixir.start(), result)
        assert words in caplog.text


def test_27_whatever_an_error_is_like_the_server_terminates_and_ends_with_it():
    class Stubborn(Exception):
        def add_note(self, note):
            raise RuntimeError("no notes")

    class Failing(Counter):
        def handle_cast(self, request):
            raise Stubborn("on purpose")

        def terminate(self, reason):
            send(self.n, ("terminated", type(reason.exception)))

    pid = Failing.start(self())
    ref = Process.monitor(pid)
    GenServer.cast(pid, "go")
    assert type(receive(Down(ref), timeout=SOON).reason.exception) is Stubborn
    assert receive(timeout=0) == ("terminated", Stubborn)
