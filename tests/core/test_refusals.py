"""What cannot be copied is refused, naming it and its place."""

import dataclasses
import functools
import pathlib
import socket
import sys
import threading
from typing import Any

import pytest

from pyex import NotSendable, PyexError, self, send, spawn
from tests.core.support import messages


@dataclasses.dataclass
class Box:
    content: Any


class Bag(dict):
    pass


def generator():
    yield


def unsendable():
    return {
        "lock": threading.Lock(),
        "generator": generator(),
        "file": pathlib.Path(__file__).open(),
        "socket": socket.socket(),
        "memoryview": memoryview(b"x"),
        "thread": threading.current_thread(),
        "frame": sys._getframe(),
    }


@pytest.mark.parametrize("kind", unsendable().keys())
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_cannot_be_copied_is_refused(kind):
    things = unsendable()
    with pytest.raises(NotSendable, match="share") as raised:
        send(self(), things[kind])
    assert isinstance(raised.value, TypeError)
    assert isinstance(raised.value, PyexError)
    assert messages() == []
    things["file"].close()
    things["socket"].close()


@pytest.mark.parametrize(
    ("wrap", "place"),
    [
        (lambda lock: [1, lock], "at [1],"),
        (lambda lock: ("a", {"key": [lock]}), "at [1]['key'][0],"),
        (lambda lock: Box(lock), "at ['content'],"),
        (lambda lock: [Box({"deep": (0, lock)})], "at [0]['content']['deep'][1],"),
        (lambda lock: functools.partial(print, lock), "at .args[0],"),
        (lambda lock: Bag(a=lock), "at ['a'],"),
    ],
)
def test_the_refusal_names_the_value_and_its_place(wrap, place):
    with pytest.raises(NotSendable) as raised:
        send(self(), wrap(threading.Lock()))
    assert "holds a _thread.lock (<unlocked" in str(raised.value)
    assert place in str(raised.value)


def test_a_message_nested_without_end_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotSendable, match="nested too deeply"):
        send(self(), deep)
    with pytest.raises(NotSendable, match="nested too deeply"):
        spawn(print, deep)
    while deep:  # taken apart step by step: freeing it in one go is as deep
        deep = deep[0]


def test_a_class_whose_copy_fails_is_refused_with_its_error():
    class Broken:
        def __reduce_ex__(self, version):
            return (int, ("not a number",))

    with pytest.raises(NotSendable, match="whose copy failed with ValueError"):
        send(self(), [Broken()])
