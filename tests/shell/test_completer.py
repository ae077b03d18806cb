"""Completions are computed aside: one that hangs costs that one, and not the prompt."""

import asyncio
import threading

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from shell import completer
from shell.candidates import Candidate, Found
from shell.completer import Aside
from shell.keys import key_bindings


@pytest.fixture
def never():
    event = threading.Event()
    yield event
    event.set()


def test_the_answer_comes_from_another_thread():
    seen = []

    def complete(before):
        seen.append(threading.get_ident())
        return Found(len(before), (Candidate(before + "!"),))

    assert asyncio.run(Aside(complete).ask("x")).candidates == (Candidate("x!"),)
    assert seen != [threading.get_ident()]


def test_what_fails_is_no_completion():
    assert asyncio.run(Aside(lambda _: 1 / 0).ask("x")) == Found()


def test_one_that_hangs_is_given_up_and_the_next_one_is_answered(monkeypatch, never):
    monkeypatch.setattr(completer, "PATIENCE", 0.05)

    def complete(before):
        if before == "hang":
            never.wait(60)
        return Found(1)

    aside = Aside(complete)

    async def main():
        return await aside.ask("hang")

    assert asyncio.run(main()) == Found()
    monkeypatch.setattr(completer, "PATIENCE", 30)
    assert asyncio.run(aside.ask("x")) == Found(1)


def test_when_all_hang_no_more_threads_are_made(monkeypatch, never):
    monkeypatch.setattr(completer, "PATIENCE", 0.01)
    aside = Aside(lambda _: never.wait(60))
    before = threading.active_count()
    for _ in range(20):
        assert asyncio.run(aside.ask("x")) == Found()
    assert threading.active_count() - before <= completer.STUCK


def test_of_those_that_wait_only_the_newest_is_computed(monkeypatch, never):
    computed = []
    begun = threading.Event()

    def complete(before):
        if before == "first":
            begun.set()
            never.wait(30)
        computed.append(before)
        return Found(len(before))

    monkeypatch.setattr(completer, "PATIENCE", 30)
    aside = Aside(complete)

    async def main():
        first = asyncio.create_task(aside.ask("first"))
        await asyncio.to_thread(begun.wait)
        others = [asyncio.create_task(aside.ask("x" * n)) for n in range(1, 10)]
        await asyncio.sleep(0)
        never.set()
        return [one.length for one in [await first, *[await one for one in others]]]

    answers = asyncio.run(main())
    assert computed == ["first", "x" * 9]
    assert answers == [5, 0, 0, 0, 0, 0, 0, 0, 0, 9]


class OnItsWay(Completer):
    """Its completions are asked for, and do not come."""

    def __init__(self, asked):
        self.asked = asked

    def get_completions(self, document, complete_event):
        return ()

    async def get_completions_async(self, document, complete_event):
        self.asked()
        await asyncio.Event().wait()
        yield


def test_the_history_is_there_while_completions_are_on_their_way():
    with create_pipe_input() as keyboard:
        session = PromptSession(
            multiline=True, history=InMemoryHistory(["earlier"]), key_bindings=key_bindings(lambda _: None), input=keyboard,
            output=DummyOutput(), completer=OnItsWay(lambda: keyboard.send_text("\x1b[A\r")), complete_while_typing=False,
        )  # fmt: skip

        def type_something():
            session.default_buffer.insert_text("ear")
            session.default_buffer.start_completion()

        assert session.prompt(pre_run=type_something) == "earlier"
