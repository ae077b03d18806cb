"""Processes that do not give way, of every kind, for the tests of preemption."""

import contextlib
import itertools

from pyex import receive, self, send, spawn


def tight():
    while True:
        pass


def arithmetic():
    n = 0
    while True:
        n = (n * 3 + 1) % 1000003


def _increment(n):
    return n + 1


def calls():
    n = 0
    while True:
        n = _increment(n)


def comprehension():
    while True:
        sum([k * k for k in range(1000)])


def generator_expression():
    sum(k for k in itertools.count())


def _depth(n):
    return 0 if n == 0 else 1 + _depth(n - 1)


def recursion():
    while True:
        _depth(400)


def generator():
    def numbers():
        k = 0
        while True:
            yield k
            k += 1

    for _ in numbers():
        pass


def mapping():
    sum(map(lambda k: k, itertools.count()))  # noqa: C417 - Python called from C


def callbacks():
    class Server:
        def handle(self, message, state):
            return state + message

    server, state = Server(), 0
    send(self(), 1)
    while True:
        state = server.handle(receive(), state)
        send(self(), 1)


def selective():
    for k in range(300):
        send(self(), k)
    while True:
        send(self(), receive(int))


def executed():
    exec("n = 0\nwhile True:\n    n += 1\n", {})


def drain():
    """Take whatever comes."""
    while True:
        receive()


def sending():
    sink = spawn(drain)
    while True:
        send(sink, 1)


def raising():
    while True:
        try:
            raise ValueError(1)
        except ValueError:
            pass


def with_blocks():
    while True:
        with contextlib.suppress(KeyError):
            {}[1]


HOGS = {
    hog.__name__.replace("_", " "): hog
    for hog in (
        tight, arithmetic, calls, comprehension, generator_expression, recursion, generator, mapping, callbacks,
        selective, executed, sending, raising, with_blocks,
    )
}  # fmt: skip


def echo():
    """Send back what comes, with its sender's mark."""
    while True:
        sender, mark = receive()
        send(sender, (self(), mark))


def ask(echoer, mark=None):
    """Have an echo process answer."""
    send(echoer, (self(), mark))
    receive((echoer, mark), timeout=30)
