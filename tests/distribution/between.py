"""Somebody on the line between two nodes, who can alter all that passes."""

import contextlib
import socket
import ssl
import struct
import threading

import msgpack
import pytest

from pyex import ConnectError, Node
from pyex.distribution import dialling, sockets
from pyex.distribution.handshake import MAGIC
from tests.distribution.conftest import COOKIE, OtherNode, free_port

#: The frames of a handshake, in the order they come; every second one goes to the side that dials.
HELLO, ANSWER, PROOF, CONFIRMATION = range(4)


class Between:
    """Takes the place of whom is dialled, at his very address, and hands on the frames of the handshake as it likes."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        #: the port that is dialled really
        self.far_port = 0
        self.treat = lambda which, frame: frame
        #: what came, in order
        self.frames = []
        #: what makes of each of its two sockets one that is encrypted
        self.near_tls = self.far_tls = lambda sock: sock
        #: it does not look at what passes
        self.raw = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._relay(self._listener.accept()[0])

    def _relay(self, near):
        self.frames = []
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            near = stack.enter_context(self.near_tls(stack.enter_context(near)))
            far = stack.enter_context(socket.create_connection(("127.0.0.1", self.far_port)))
            far = stack.enter_context(self.far_tls(far))
            for which in range(0 if self.raw else 4):
                source, target = (far, near) if which % 2 else (near, far)
                frame = read_frame(source)
                self.frames.append(frame)
                frame = self.treat(which, frame)
                target.sendall(struct.pack(">I", len(frame)) + frame)
            if isinstance(near, ssl.SSLSocket) or isinstance(far, ssl.SSLSocket):
                return  # such a one cannot be read and written at once; the handshake is what it was for
            threads = [threading.Thread(target=pump, args=ends, daemon=True) for ends in ((near, far), (far, near))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def close(self):
        self._listener.close()


def read_frame(sock):
    def exactly(count):
        data = b""
        while len(data) < count:
            part = sock.recv(count - len(data))
            if not part:
                raise ConnectionResetError
            data += part
        return data

    return exactly(struct.unpack(">I", exactly(4))[0])


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 14):
            target.sendall(data)
    for sock in (source, target):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def on_the_line(alice_options, bob_options):
    """This node as alice, bob, and who stands between them."""
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setenv("ERL_EPMD_PORT", str(free_port()))
        patch.setenv("PYEX_COOKIE", COOKIE)
        between = Between()
        stack.callback(between.close)
        bob = OtherNode("bob", options=bob_options)
        stack.callback(bob.discard)
        bob.ready()
        Node.start("alice", **alice_options)
        stack.callback(Node.stop)
        dial = sockets.dial

        async def dial_between(host, port):
            between.far_port = port
            return await dial(host, between.port)

        patch.setattr(dialling.sockets, "dial", dial_between)
        yield between


def refused(between):
    """Neither side takes the other for connected."""
    with pytest.raises(ConnectError):
        Node.connect("bob")
    assert Node.list() == []
    confirmed = between.frames[CONFIRMATION:]
    assert not confirmed or msgpack.unpackb(confirmed[0][len(MAGIC) :])[0] == "no", "bob has confirmed"
