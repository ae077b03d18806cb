"""What is written wrongly out of habit is answered with what to write instead."""

import pytest

from pyex import GenServer, Process, self, send


def test_a_server_has_no_slots():
    with pytest.raises(TypeError, match="defines __slots__; the state of a server"):

        class Slotted(GenServer):
            __slots__ = ("n",)


def test_a_reply_goes_to_a_caller():
    with pytest.raises(TypeError, match="takes the caller that handle_call got"):
        GenServer.reply(self(), 5)


def test_self_without_parentheses_is_told():
    for use in (lambda: GenServer.call(self, 1), lambda: send(self, 1), lambda: Process.send_after(self, 1, 1)):
        with pytest.raises(TypeError, match=r"If self\(\) is meant, it has parentheses"):
            use()
