"""The runtime's own questions: whoever stops waiting finds no answer in the mailbox, now or later."""

import pytest

from pyex import Process, self
from pyex.core.asking import ask
from pyex.core.process import aliases
from pyex.core.signals import answer
from tests.core.support import forever, kill, messages, result_at, start_at


@pytest.mark.parametrize("place", [0, "thread"])
def test_an_answer_is_what_was_asked_for(place):
    assert result_at(place, lambda: ask(lambda process, alias: answer(process.pid, alias, 42))) == 42
    assert not aliases


@pytest.mark.parametrize("place", [0, "thread"])
def test_an_interrupted_question_leaves_no_answer_that_was_there_already(place):
    def body():
        def put(process, alias):
            answer(process.pid, alias, "too early")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ask(put)
        return messages()

    assert result_at(place, body) == []
    assert not aliases


@pytest.mark.parametrize("place", [0, "thread"])
def test_an_interrupted_question_gets_no_late_answer(place):
    def body():
        late = []

        def put(process, alias):
            late.append((process.pid, alias))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ask(put)
        answer(*late[0], "late")
        return messages()

    assert result_at(place, body) == []
    assert not aliases


def test_questions_about_processes_elsewhere_leave_nothing():
    def body():
        pid = start_at(1, forever)
        for _ in range(100):
            assert Process.alive(pid)
            assert Process.info(pid).pid == pid
        kill(pid)
        assert Process.alive(self())
        return messages()

    assert result_at(0, body) == []
    assert not aliases
