"""What a spawned function carries is copied like a message: arguments, closure, defaults."""

import dataclasses
import functools
import threading
from typing import Any

import pytest

from pyex import Down, NotSendable, Process, exit, receive, self, send, spawn, spawn_monitor
from pyex.core.isolation import snapshot
from tests.core.support import SOON


@dataclasses.dataclass
class Box:
    content: Any


def outcome(fn, *args):
    """What ``fn(*args)`` sends from a process of its own."""
    _, ref = spawn_monitor(fn, *args)
    message = receive(timeout=SOON)
    assert not isinstance(message, Down), message
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    return message


def test_arguments_are_snapshots():
    parent = self()
    items = [1]

    def change(given):
        given.append(2)
        send(parent, given)

    assert outcome(change, items) == [1, 2]
    assert items == [1]


def test_closure_variables_are_snapshots():
    parent = self()
    items = [1]
    number = 1

    def change():
        nonlocal number
        number += 1
        items.append(number)
        send(parent, (number, items))

    assert outcome(change) == (2, [1, 2])
    assert (items, number) == ([1], 1)


def test_defaults_are_snapshots():
    parent = self()

    def change(items=[1], *, more={"a": 1}):  # noqa: B006
        items.append(2)
        more["b"] = 2
        send(parent, (items, more))

    assert outcome(change) == ([1, 2], {"a": 1, "b": 2})
    assert change.__defaults__ == ([1],)
    assert change.__kwdefaults__ == {"more": {"a": 1}}


def test_a_bound_methods_object_is_a_snapshot():
    class Counter:
        def __init__(self, parent):
            self.n = 0
            self.parent = parent

        def bump(self, by):
            self.n += by
            send(self.parent, self.n)

    counter = Counter(self())
    assert outcome(counter.bump, 5) == 5
    assert counter.n == 0


def test_a_partials_arguments_are_snapshots():
    parent = self()
    items = [1]

    def change(given, keyword=None):
        given.append(keyword)
        send(parent, given)

    assert outcome(functools.partial(change, items, keyword="k")) == [1, "k"]
    assert items == [1]


def test_a_callable_object_is_a_snapshot():
    class Task:
        def __init__(self, parent):
            self.parent = parent
            self.calls = []

        def __call__(self):
            self.calls.append(1)
            send(self.parent, self.calls)

    task = Task(self())
    assert outcome(task) == [1]
    assert task.calls == []


def test_inner_functions_can_call_themselves_and_each_other():
    parent = self()

    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert outcome(lambda: send(parent, (factorial(5), even(10), odd(10)))) == (120, True, False)


def test_a_variable_that_inner_functions_share_is_shared_in_the_process_too():
    parent = self()
    total = 0

    def add(n):
        nonlocal total
        total += n

    def read():
        return total

    def main():
        add(2)
        add(3)
        send(parent, (read(), total))

    assert outcome(main) == (5, 5)
    assert total == 0


def test_a_variable_not_assigned_yet_stays_so():
    parent = self()

    def probe():
        try:
            send(parent, late)
        except NameError:
            send(parent, "unbound")

    assert outcome(probe) == "unbound"
    late = 1
    assert outcome(probe) == late


def test_a_decorated_function_keeps_what_it_is():
    parent = self()

    def twice(fn):
        @functools.wraps(fn)
        def wrapper(*args):
            return fn(*args), fn(*args)

        return wrapper

    @twice
    def tell(word):
        send(parent, word)

    assert tell.__name__ == "tell"
    assert outcome(tell, "hi") == "hi"


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda lock: lambda: lock, "the variable 'lock'"),
        (lambda lock: lambda it=lock: it, "a default[0]"),
        (lambda lock: functools.partial(print, lock), "[0]"),
        (lambda lock: Box(lock).__eq__, "its object['content']"),
    ],
)
def test_a_function_that_carries_what_cannot_be_copied_is_refused(make, place):
    with pytest.raises(NotSendable, match=r"takes to its process holds a _thread\.lock") as raised:
        spawn(make(threading.Lock()))
    assert f"at {place}," in str(raised.value)


def test_an_argument_that_cannot_be_copied_is_refused_with_its_place():
    before = len(Process.list())
    with pytest.raises(NotSendable, match=r"what print takes to its process .* at argument 1\['x'\]"):
        spawn(print, 1, {"x": threading.Lock()})
    assert len(Process.list()) == before


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="spawn takes a function"):
        spawn(42)


def test_exit_reasons_are_snapshots():
    items = [1]
    pid, ref = spawn_monitor(exit, items)
    down = receive(timeout=SOON)
    assert down == ("DOWN", ref, "process", pid, [1])
    assert down.reason is not items
    items.append(2)
    pid, ref = spawn_monitor(receive)
    second = Process.monitor(pid)
    Process.exit(pid, items)
    first, other = receive(timeout=SOON), receive(timeout=SOON)
    assert {first.ref, other.ref} == {ref, second}
    assert first.reason == other.reason == [1, 2]
    assert first.reason is not other.reason


def test_a_refusal_shows_what_a_users_code_raised_and_nothing_of_ours():
    class Careful:
        def __reduce__(self):
            raise ValueError("keep your hands off")

    for refuse in (lambda: snapshot([Careful()]), lambda: spawn(print, Careful())):
        with pytest.raises(NotSendable) as raised:
            refuse()
        assert isinstance(raised.value.__cause__, ValueError)
        assert raised.value.__cause__.__traceback__.tb_frame.f_code.co_name == "__reduce__"
        assert raised.value.__suppress_context__
    with pytest.raises(NotSendable) as raised:
        snapshot([threading.Lock()])
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
