"""pyex: this interpreter is one node, and its peers are the others."""

import itertools
import os
import secrets
import socket
from time import perf_counter

from benchmarks.contenders import with_pyex
from benchmarks.contenders.with_pyex import in_process
from pyex import Node, Task, erpc, receive, self, send

VERSION = with_pyex.VERSION
MEGABYTE = bytes(1_000_000)

_peers = []


def peers(n):
    """So many other nodes, under a name service of their own."""
    if not _peers:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            os.environ["ERL_EPMD_PORT"] = str(sock.getsockname()[1])
        Node.start("bench", cookie=secrets.token_hex(16))
    while len(_peers) < n:
        _peers.append(Node.start_peer())
    return _peers[:n]


def round_trip(n):
    return in_process(_round_trip, *peers(1), n)


def _round_trip(node, n):
    echo = Node.spawn(node, _echo, n)
    begin = perf_counter()
    for _ in range(n):
        send(echo, (self(), "ping"))
        receive()
    return perf_counter() - begin


def _echo(n):
    for _ in range(n):
        sender, message = receive()
        send(sender, message)


def one_way(n):
    return in_process(_one_way, *peers(1), n, "drop")


def megabyte(n):
    return in_process(_one_way, *peers(1), n, MEGABYTE)


def _one_way(node, n, message):
    sink = Node.spawn(node, _sink, self(), n)
    begin = perf_counter()
    for _ in range(n):
        send(sink, message)
    receive()
    return perf_counter() - begin


def _sink(asker, n):
    for _ in range(n):
        receive()
    send(asker, "done")


def stream_on_one(n):
    return in_process(_stream, peers(1), n)


def stream_on_all(n):
    return in_process(_stream, peers(os.cpu_count() or 1), n)


def _stream(nodes, n):
    begin = perf_counter()
    items = zip(itertools.cycle(nodes), range(n))
    for _ in Task.async_stream(_compute_there, items, max_concurrency=2 * len(nodes), timeout=None):
        pass
    return perf_counter() - begin


def _compute_there(item):
    return erpc.call(item[0], _compute, item[1], timeout=None)


def _compute(x):
    """Some milliseconds of work."""
    return sum(x ^ y for y in range(50_000))
