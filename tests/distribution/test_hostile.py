"""One that knows the cookie and sends nonsense: its connection ends, and nothing else."""

import contextlib
import socket
import struct

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyex import Node
from pyex.distribution import handshake
from pyex.distribution.channel import LIMIT
from pyex.distribution.handshake import MAGIC
from pyex.distribution.node import _current
from tests.distribution.test_handshake import Stranger


class Member(Stranger):
    """Has proved that it knows the cookie."""

    def join(self):
        hello = self.hello()
        answer = self.frame()
        self.send(MAGIC + handshake._proof(_current.mesh.own.cookie, b"dials", hello, answer))
        assert self.frame().startswith(MAGIC)
        return self

    def end(self):
        """Whatever still comes, until the connection is closed."""
        while self.frame() is not None:
            pass


def refused(*frames, raw=b""):
    with Member() as member:
        member.join()
        with contextlib.suppress(OSError):
            for frame in frames:
                member.send(frame)
            member.sock.sendall(raw)
        member.end()
    assert Node.names() == ["alice"]


FRAGMENT = b"\xc1" + struct.pack(">I", 7)


@pytest.mark.parametrize(
    "frames",
    [
        [FRAGMENT + b"data"],
        [msgpack.packb((2, "main", None, (7, 3))), FRAGMENT + b"data"],
        [msgpack.packb((2, "main", None, (7, 3))), FRAGMENT],
        [msgpack.packb((2, "main", None, (7, 0)))],
        [msgpack.packb((2, "main", None, (7, -1)))],
        [msgpack.packb((2, "main", None, (7, 3))), msgpack.packb((2, "main", None, (7, 3)))],
        [msgpack.packb((2, "main", None, ("x", "y")))],
        [b"\xc1"],
        [b"\2"],
        [b"\2\0\0\0\0\0\0\1"],
        [msgpack.packb((1, (1, 0), msgpack.packb((5,)), None))],
        [b"\x91" * 5000],
    ],
)
def test_51_malformed_frames_close_the_connection(alice, frames):
    refused(*frames)


def test_a_length_of_more_than_one_fragment_is_malformed_after_the_proof_too(alice):
    refused(raw=struct.pack(">I", LIMIT + 1))


def test_an_announced_length_takes_no_memory_before_it_comes(alice):
    with Member() as member:
        member.join()
        for number in range(100):
            member.send(msgpack.packb((2, "main", None, (number, 1 << 40))))
        member.send(msgpack.packb((999, None, None, None)))
        member.end()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.binary(max_size=80)
        | st.tuples(
            st.sampled_from([1, 2, 3, 6, 7, 8, 19, 20, 21, 29, 31, 33, 35, 36, 200]),
            st.none() | st.text(max_size=5) | st.tuples(st.integers(0, 2**40), st.integers(0, 9)) | st.integers(0, 9),
            st.none() | st.binary(max_size=30) | st.tuples(st.integers(0, 99)).map(msgpack.packb),
            st.none() | st.binary(max_size=30) | st.tuples(st.integers(0, 3), st.integers(-1, 50)),
        ).map(msgpack.packb)
        | st.binary(max_size=30).map(lambda data: b"\xc1\0\0\0\1" + data)
        | st.tuples(st.integers(0, 300), st.binary(max_size=30)).map(lambda it: b"\2" + it[0].to_bytes(8) + it[1]),
        max_size=6,
    )
)
def test_any_frames_of_a_member_end_at_most_its_connection(alice, frames):
    with Member() as member:
        member.join()
        with contextlib.suppress(OSError):
            for frame in frames:
                member.send(frame)
            member.sock.shutdown(socket.SHUT_WR)
        member.end()
    assert Node.alive()
