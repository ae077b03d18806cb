"""Pykka: actors, a thread each. A round trip is an ``ask``, a one-way message a ``tell``.

Its actors have no mailbox of their own to wait at, so it does not compete in ``spawn_reply``; and 100,000
parked threads are more than a system gives.
"""

from importlib.metadata import version
from threading import Event
from time import perf_counter

import pykka

VERSION = f"Pykka {version('pykka')}"
RING = 100
AT_A_TIME = 10


class Echo(pykka.ThreadingActor):
    def on_receive(self, message):
        return message


class PassOn(pykka.ThreadingActor):
    def __init__(self, following, came_round):
        super().__init__()
        self.following = following
        self.came_round = came_round

    def on_receive(self, message):
        if self.following is not None:
            self.following.tell(message)
        else:
            self.came_round.set()


def ping_pong(n):
    echo = Echo.start()
    begin = perf_counter()
    for _ in range(n):
        echo.ask("ping")
    took = perf_counter() - begin
    echo.stop()
    return took


def ring(n):
    came_round = Event()
    actors = [PassOn.start(None, came_round)]
    for _ in range(RING - 1):
        actors.append(PassOn.start(actors[-1], came_round))
    begin = perf_counter()
    for _ in range(n // RING):
        actors[-1].tell("token")
        came_round.wait()
        came_round.clear()
    took = perf_counter() - begin
    for actor in actors:
        actor.stop()
    return took * n / (n // RING * RING)


def flood(n):
    sink = Echo.start()
    begin = perf_counter()
    for _ in range(n):
        sink.tell("drop")
    sink.ask("done?")
    took = perf_counter() - begin
    sink.stop()
    return took


def spawn_down(n):
    begin = perf_counter()
    for _ in range(n):
        Echo.start().stop()
    return perf_counter() - begin


class Increment(pykka.ThreadingActor):
    def on_receive(self, message):
        return message + 1


def stream(n):
    """Futures of a pool of actors."""
    actors = [Increment.start() for _ in range(AT_A_TIME)]
    begin = perf_counter()
    futures = [actors[x % AT_A_TIME].ask(x, block=False) for x in range(n)]
    total = sum(future.get() for future in futures)
    took = perf_counter() - begin
    assert total == n * (n + 1) // 2
    for actor in actors:
        actor.stop()
    return took


def call(n):
    server = Echo.start()
    begin = perf_counter()
    for _ in range(n):
        server.ask("get", timeout=5)
    took = perf_counter() - begin
    server.stop()
    return took


cast = flood
