"""pyex: processes and their mailboxes, all on one scheduler."""

import logging
from time import perf_counter

from pyex import (
    Down,
    GenServer,
    Process,
    Reply,
    Supervisor,
    Task,
    __version__,
    receive,
    self,
    send,
    sleep,
    spawn,
    spawn_monitor,
)

VERSION = f"pyex {__version__}"
RING = 100

#: Tasks of a stream.
AT_A_TIME = 10


def in_process(fn, *args):
    """Run a workload as a process of a scheduler; what it spawns starts on the same one."""
    thread = self()
    spawn(lambda: send(thread, fn(*args)))
    return receive()


def ping_pong(n):
    return in_process(_ping, n)


def _ping(n):
    peer = spawn(_pong, self(), n)
    begin = perf_counter()
    for _ in range(n):
        send(peer, "ping")
        receive()
    return perf_counter() - begin


def _pong(peer, n):
    for _ in range(n):
        receive()
        send(peer, "pong")


def ring(n):
    return in_process(_ring, n)


def _ring(n):
    following = self()
    for _ in range(RING - 1):
        following = spawn(_pass_on, following)
    begin = perf_counter()
    for _ in range(n // RING):
        send(following, "token")
        receive()
    took = perf_counter() - begin
    send(following, "end")
    receive()
    return took * n / (n // RING * RING)


def _pass_on(following):
    while True:
        message = receive()
        send(following, message)
        if message == "end":
            return


def flood(n):
    return in_process(_flood, n)


def _flood(n):
    sink = spawn(_sink, self(), n)
    begin = perf_counter()
    for _ in range(n):
        send(sink, "drop")
    receive()
    return perf_counter() - begin


def _sink(asker, n):
    for _ in range(n):
        receive()
    send(asker, "done")


def spawn_reply(n):
    return in_process(_spawn_reply, n)


def _spawn_reply(n):
    me = self()
    begin = perf_counter()
    for _ in range(n):
        spawn(send, me, "here")
        receive()
    return perf_counter() - begin


def spawn_down(n):
    return in_process(_spawn_down, n)


def _spawn_down(n):
    begin = perf_counter()
    for _ in range(n):
        _, ref = spawn_monitor(_nothing)
        receive(Down(ref))
    return perf_counter() - begin


def _nothing():
    pass


def stream(n):
    return in_process(_stream, n)


def _stream(n):
    begin = perf_counter()
    total = sum(Task.async_stream(_increment, range(n), max_concurrency=AT_A_TIME))
    took = perf_counter() - begin
    assert total == n * (n + 1) // 2
    return took


def _increment(x):
    return x + 1


def park(n):
    return in_process(_park, n)


def _park(n):
    begin = perf_counter()
    for _ in range(n):
        spawn(receive)
    sleep(0)  # until they all wait
    return perf_counter() - begin


def restart(n):
    logging.getLogger("pyex").setLevel(logging.CRITICAL)  # what is reported of each end is not what is measured
    return in_process(_restart, n)


def _restart(n):
    tree = Supervisor.start_link([(_restarted, self())], max_restarts=n, max_seconds=1000)
    child = receive()
    begin = perf_counter()
    for _ in range(n):
        Process.exit(child, "kill")
        child = receive()
    took = perf_counter() - begin
    Supervisor.stop(tree)
    return took


def _restarted(asker):
    send(asker, self())
    receive()


class Server(GenServer):
    def init(self, n):
        self.n = n

    def handle_call(self, request, caller):
        return Reply(self.n)

    def handle_cast(self, request):
        self.n += request


def call(n):
    return in_process(_call, n)


def _call(n):
    server = Server.start(0)
    begin = perf_counter()
    for _ in range(n):
        GenServer.call(server, "get")
    took = perf_counter() - begin
    GenServer.stop(server)
    return took


def cast(n):
    return in_process(_cast, n)


def _cast(n):
    server = Server.start(0)
    begin = perf_counter()
    for _ in range(n):
        GenServer.cast(server, 1)
    GenServer.call(server, "get", timeout=None)
    took = perf_counter() - begin
    GenServer.stop(server)
    return took


_servers = []


def idle(n):
    return in_process(_idle, n)


def _idle(n):
    begin = perf_counter()
    _servers.extend([Server.start(0) for _ in range(n)])
    return perf_counter() - begin
