"""gevent: greenlets, with a queue each for a mailbox."""

from time import perf_counter

import gevent
from gevent.queue import Queue

VERSION = f"gevent {gevent.__version__}"
RING = 100


def ping_pong(n):
    mine, theirs = Queue(), Queue()
    peer = gevent.spawn(_pong, theirs, mine, n)
    begin = perf_counter()
    for _ in range(n):
        theirs.put("ping")
        mine.get()
    took = perf_counter() - begin
    peer.join()
    return took


def _pong(mine, theirs, n):
    for _ in range(n):
        mine.get()
        theirs.put("pong")


def ring(n):
    mine = following = Queue()
    greenlets = []
    for _ in range(RING - 1):
        mailbox = Queue()
        greenlets.append(gevent.spawn(_pass_on, mailbox, following))
        following = mailbox
    begin = perf_counter()
    for _ in range(n // RING):
        following.put("token")
        mine.get()
    took = perf_counter() - begin
    following.put("end")
    gevent.joinall(greenlets)
    return took * n / (n // RING * RING)


def _pass_on(mailbox, following):
    while True:
        message = mailbox.get()
        following.put(message)
        if message == "end":
            return


def flood(n):
    mailbox = Queue()
    sink = gevent.spawn(_sink, mailbox, n)
    begin = perf_counter()
    for _ in range(n):
        mailbox.put("drop")
    sink.join()
    return perf_counter() - begin


def _sink(mailbox, n):
    for _ in range(n):
        mailbox.get()


def spawn_reply(n):
    mine = Queue()
    begin = perf_counter()
    for _ in range(n):
        gevent.spawn(mine.put, "here")
        mine.get()
    return perf_counter() - begin


def spawn_down(n):
    begin = perf_counter()
    for _ in range(n):
        gevent.spawn(_nothing).join()
    return perf_counter() - begin


def _nothing():
    pass


_kept = []


def park(n):
    begin = perf_counter()
    _kept.extend(gevent.spawn(Queue().get) for _ in range(n))
    gevent.sleep(0)
    return perf_counter() - begin
