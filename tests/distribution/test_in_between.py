"""What two nodes announce of themselves is proved: nobody on the line between them can alter it, or take it away."""

import msgpack
import pytest

from pyex import ConnectError, Node
from pyex.distribution.handshake import HIDDEN, MAGIC, NO_CODE, PARTITIONS, TICKTIME
from tests.distribution.between import ANSWER, HELLO, PROOF, on_the_line, refused


@pytest.fixture(scope="module")
def line():
    with on_the_line({"net_ticktime": 30}, {"net_ticktime": 40}) as between:
        yield between


@pytest.fixture
def between(line):
    """Who stands between two nodes that never get to be connected: else each would dial again by itself."""
    return line


def altered(which, place, change):
    """Lets everything pass but for one field of one frame."""

    def treat(now, frame):
        if now != which:
            return frame
        fields = list(msgpack.unpackb(frame[len(MAGIC) :], use_list=False))
        before = fields[place]
        fields[place] = change(before)
        assert fields[place] != before
        return MAGIC + msgpack.packb(fields)

    return treat


#: Where each field is, in the hello and in the answer.
FIELDS = {
    "version": (0, 1),
    "name": (1, 2),
    "creation": (2, 3),
    "nonce": (3, 4),
    "python": (4, 5),
    "capabilities": (5, 6),
}


def without(word):
    return lambda said: tuple(one for one in said if not one.startswith(word))


@pytest.mark.parametrize("which", [HELLO, ANSWER], ids=["hello", "answer"])
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("version", lambda version: version - 1),
        ("version", lambda version: version + 1),
        ("name", lambda name: "mallory@127.0.0.1"),
        ("creation", lambda creation: creation ^ 1),
        ("nonce", lambda nonce: bytes(32)),
        ("python", lambda python: "3.99"),  # code would be sent as bytecode that crashes, or not at all
        ("capabilities", lambda said: ()),
        ("capabilities", lambda said: (*said, NO_CODE)),
        ("capabilities", lambda said: (*said, HIDDEN)),
        ("capabilities", without(PARTITIONS)),
        ("capabilities", without(TICKTIME)),
        ("capabilities", lambda said: (f"{TICKTIME}0.1", *without(TICKTIME)(said))),
    ],
)
def test_what_one_side_announces_cannot_be_altered(between, which, field, change):
    between.treat = altered(which, FIELDS[field][which], change)
    refused(between)


@pytest.mark.parametrize(
    ("place", "change"),
    [(6, lambda host: "localhost"), (7, lambda port: port + 1), (8, lambda name: "carol@127.0.0.1")],
)
def test_whom_and_where_one_side_has_dialled_cannot_be_altered(between, place, change):
    between.treat = altered(HELLO, place, change)
    refused(between)


@pytest.mark.parametrize("which", range(3), ids=["hello", "answer", "proof"])
def test_no_byte_of_a_handshake_can_be_altered(between, which):
    between.treat = lambda now, frame: frame if now < PROOF else frame[::-1]
    refused(between)
    for place in range(len(between.frames[which])):

        def treat(now, frame, place=place):
            if now != which:
                return frame
            return frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :]

        between.treat = treat
        with pytest.raises(ConnectError):
            Node.connect("bob")
        assert Node.list() == []
        assert len(between.frames) > which


def test_nothing_can_be_added_to_what_is_announced(between):
    for which in (HELLO, ANSWER):
        between.treat = lambda now, frame, which=which: (
            MAGIC + msgpack.packb((*msgpack.unpackb(frame[len(MAGIC) :], use_list=False), "more"))
            if now == which
            else frame
        )
        refused(between)
