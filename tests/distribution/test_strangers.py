"""Those who have proved nothing yet: they cost little memory and little time, and keep nobody else from connecting."""

import asyncio
import contextlib
import gc
import logging
import socket
import struct
import threading
import time
import tracemalloc

import msgpack
import pytest

from pyex import ConnectError, Node
from pyex.distribution import handshake
from pyex.distribution.channel import HANDSHAKE_LIMIT, LIMIT, Channel
from pyex.distribution.handshake import MAGIC
from pyex.distribution.node import _current
from pyex.distribution.sockets import STRANGERS
from tests.core.support import SOON, until
from tests.distribution.conftest import PROGRAM
from tests.distribution.test_handshake import Stranger
from tests.distribution.test_tls import Authority

#: What one connection may cost, in bytes: it holds so much, and at no time takes more.
HELD = 32 << 10
AT_MOST = 512 << 10

#: How much a stranger tries to send.
FLOOD = 4 << 20


def hello(port, *, name="mallory@127.0.0.1", capabilities=()):
    return MAGIC + msgpack.packb((1, name, 1, bytes(32), "3.11", capabilities, "127.0.0.1", port, "alice@127.0.0.1"))


def framed(frame):
    return struct.pack(">I", len(frame)) + frame


#: What they send, given the port they have dialled; none of it is an introduction that leads anywhere.
MANNERS = {
    "nothing": lambda port: b"",
    "a length, and no frame": lambda port: struct.pack(">I", HANDSHAKE_LIMIT),
    "most of a frame": lambda port: framed(bytes(HANDSHAKE_LIMIT))[:-1],
    "a huge length": lambda port: b"\xff" * 4,
    "a frame too long by one": lambda port: framed(bytes(HANDSHAKE_LIMIT + 1)),
    "a hello, and no proof": lambda port: framed(hello(port)),
    "a hello with all that fits": lambda port: framed(hello(port, capabilities=("x" * 60,) * 60)),
    "nested deeply": lambda port: framed(MAGIC + b"\x91" * (HANDSHAKE_LIMIT - 4)),
    "many empty arrays": lambda port: framed(MAGIC + b"\xdc\x0f\xf0" + b"\x90" * 0xFF0),
    "many empty maps": lambda port: framed(MAGIC + b"\xdc\x0f\xf0" + b"\x80" * 0xFF0),
    "an array said to be huge": lambda port: framed(MAGIC + b"\xdd\xff\xff\xff\xff"),
    "bytes said to be huge": lambda port: framed(MAGIC + b"\xc6\xff\xff\xff\xff"),
    "a fragment of nothing": lambda port: framed(b"\xc1" + bytes(HANDSHAKE_LIMIT - 1)),
    "ticks without end": lambda port: bytes(FLOOD),
    "frames without end": lambda port: framed(b"x" * 60) * (FLOOD // 64),
    "frames without end, after a hello": lambda port: framed(hello(port)) + framed(b"x" * 60) * (FLOOD // 64),
    "large frames without end, after a hello": lambda port: framed(hello(port)) + framed(bytes(4000)) * (FLOOD // 4004),
}


@pytest.fixture
def patient(name_service, monkeypatch, caplog):
    """Alice, who has a second for an introduction, and is silent about those that fail."""
    monkeypatch.setattr(handshake, "PATIENCE", 1.0)
    caplog.set_level(logging.CRITICAL, logger="pyex.node")
    yield Node.start("alice")
    Node.stop()


def strangers(count, stack):
    return [stack.enter_context(contextlib.closing(connect())) for _ in range(count)]


def connect():
    return socket.create_connection(("127.0.0.1", _current.mesh.port), timeout=SOON)


def push_into(sock, data):
    """Send as much of it as is taken, until the other side has ended the connection; whether it has."""
    left = memoryview(data)
    sock.settimeout(0.01)
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        try:
            if left:
                left = left[sock.send(left) :]
            if sock.recv(1 << 16) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("manner", MANNERS)
def test_whatever_a_stranger_sends_takes_little_memory_and_ends(patient, manner):
    data = MANNERS[manner](_current.mesh.port)
    with contextlib.closing(connect()) as first:
        assert push_into(first, data)  # what is there once, and stays, is not counted
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        begun = time.monotonic()
        with contextlib.closing(connect()) as sock:
            assert push_into(sock, data), "the connection did not end"
        took = time.monotonic() - begun
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - before < AT_MOST
    assert took < SOON
    assert Node.list() == []


@pytest.mark.parametrize("manner", ["nothing", "most of a frame", "a hello with all that fits"])
def test_a_connection_that_is_half_open_holds_little_memory(patient, monkeypatch, manner):
    monkeypatch.setattr(handshake, "PATIENCE", 60.0)
    data = MANNERS[manner](_current.mesh.port)
    listener = _current.mesh._listener
    count = STRANGERS // 2
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.closing(connect())).sendall(data)
        until(lambda: len(listener._strangers) == 1)
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for sock in strangers(count, stack):
                sock.sendall(data)
                if b"PYEX" in data:
                    assert sock.recv(4)  # it has been answered
            until(lambda: len(listener._strangers) == count + 1)
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert held / count < HELD


def test_one_that_dribbles_is_dropped_in_its_time_all_the_same(patient):
    data = framed(hello(_current.mesh.port)) + framed(bytes(36))
    begun = time.monotonic()
    sent = 0
    with contextlib.closing(connect()) as sock:
        sock.settimeout(0.05)  # a byte, and a look at whether the other side has ended it
        while True:
            try:
                sock.send(data[sent : sent + 1])
                sent += 1
                if sock.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert time.monotonic() - begun >= handshake.PATIENCE
    assert sent < len(data)


def test_tls_and_the_introduction_have_one_time_for_both(name_service, monkeypatch, tmp_path, caplog):
    """Else one could spend it twice."""
    monkeypatch.setattr(handshake, "PATIENCE", 1.0)
    caplog.set_level(logging.CRITICAL, logger="pyex.node")
    files = Authority(tmp_path / "tls").files("alice")
    Node.start("alice", tls=files)
    try:
        with contextlib.closing(connect()) as sock:
            begun = time.monotonic()
            assert sock.recv(1) == b""
            assert time.monotonic() - begun >= 0.9
        until(lambda: not _current.mesh._listener._strangers)
    finally:
        Node.stop()


def test_strangers_without_number_keep_nobody_from_connecting(alice, nodes, caplog):
    """There are as many as there may be, and more come all the time: the oldest of them have to go."""
    caplog.set_level(logging.CRITICAL, logger="pyex.node")
    listener = _current.mesh._listener
    [bob] = nodes("bob")
    with contextlib.ExitStack() as stack:
        crowd = strangers(3 * STRANGERS, stack)
        until(lambda: len(listener._strangers) <= STRANGERS and _ended(crowd[0]))
        over, more = threading.Event(), []

        def keep_coming():
            while not over.wait(0.005):
                with contextlib.suppress(OSError):
                    more.append(connect())

        thread = threading.Thread(target=keep_coming)
        thread.start()
        try:
            assert Node.connect("bob")  # this node dials, and is dialled
            [carol] = nodes("carol", program=PROGRAM.replace('print("ready"', 'Node.connect("alice")\nprint("ready"'))
            assert sorted(Node.list()) == [bob.name, carol.name]
            assert len(listener._strangers) <= STRANGERS
            assert not _ended(more[-1])  # there is a crowd still
        finally:
            over.set()
            thread.join()
            for sock in more:
                sock.close()
    until(lambda: not listener._strangers)  # and of all that nothing is left
    assert sorted(Node.list()) == [bob.name, carol.name]


def _ended(sock):
    sock.settimeout(0.05)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_strangers_of_the_name_service_keep_nobody_from_it_either(alice, nodes):
    from pyex.distribution.epmd import epmd_port

    with contextlib.ExitStack() as stack:
        crowd = [
            stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", epmd_port()), timeout=SOON)))
            for _ in range(2 * STRANGERS)
        ]
        until(lambda: _ended(crowd[0]))
        nodes("bob")  # which registers, and stays so
        assert Node.names() == ["alice", "bob"]
        assert not _ended(crowd[-1])
        assert Node.connect("bob")


# A channel before it is open


class _Turns:
    slice_due = True

    def run_slice(self):
        raise AssertionError("there are no processes here")


@pytest.mark.parametrize("whole", [True, False])
def test_what_comes_right_behind_the_last_of_the_handshake_is_the_connections(whole):
    """It may be longer than what is taken from strangers, and come with the same read."""
    last, long, short = b"the last", b"x" * (LIMIT - 10), b"short"
    data = framed(last) + framed(long) + framed(short)

    async def run():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        channel = Channel(ours, loop)
        got, ended, all_there = [], [], asyncio.Event()

        def take(frame):
            got.append(bytes(frame))
            if len(got) == 2:
                all_there.set()

        with theirs:
            try:
                sending = loop.create_task(loop.sock_sendall(theirs, data if whole else data[:5000]))
                assert await channel.read() == last
                channel.open(take, lambda: ended.append(True), _Turns())
                await sending
                if not whole:
                    await loop.sock_sendall(theirs, data[5000:])
                await asyncio.wait_for(all_there.wait(), SOON)
                assert (got, ended) == ([long, short], [])
            finally:
                channel.abort()

    asyncio.run(run())


def test_one_that_is_gone_behind_its_last_frame_is_noticed(alice):
    with Stranger() as stranger:
        stranger.send(b"PYEX")
        stranger.sock.shutdown(socket.SHUT_WR)
        while stranger.frame() is not None:
            pass
    with pytest.raises(ConnectError):
        Node.connect("mallory")
