"""What waits to be sent: order by sender, and nobody behind somebody else's large message."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from pyex.distribution.channel import LIMIT
from pyex.distribution.outbox import BATCH, FRAGMENT, FRAGMENT_MARK, Large, Outbox

SENDERS = st.sampled_from(["a", "b", "c", None])
SIZES = st.sampled_from([0, 1, 100, FRAGMENT - 1, FRAGMENT, FRAGMENT + 1, 3 * FRAGMENT + 7])


def frames(data):
    """The frames in a batch."""
    while data:
        (length,) = struct.unpack(">I", data[:4])
        assert length <= LIMIT
        assert len(data) >= 4 + length
        yield data[4 : 4 + length]
        data = data[4 + length :]


class Reader:
    """Puts together what a batch brings; ``done`` has what has come whole, in its order."""

    def __init__(self):
        self.done = []
        self.open = {}

    def take(self, batch):
        for frame in frames(b"".join(batch)):
            if frame[:1] == bytes([FRAGMENT_MARK]):
                number = int.from_bytes(frame[1:5], "big")
                name, data, length = self.open[number]
                data += frame[5:]
                assert len(data) <= length
                if len(data) == length:
                    del self.open[number]
                    self.done.append((name, bytes(data)))
            else:
                name, number, length = struct.unpack(">QII", frame)
                if length:
                    self.open[number] = (name, bytearray(), length)
                else:
                    self.done.append((name, b""))


def put(outbox, sender, name, size):
    large = Large(name, [bytes([name % 251]) * size]) if size else None
    outbox.put(sender, struct.pack(">IQII", 16, name, name, size), large)


@settings(max_examples=150)
@given(st.lists(st.lists(st.tuples(SENDERS, SIZES), max_size=6), max_size=8))
def test_52_all_of_it_arrives_and_each_senders_in_its_order(rounds):
    outbox, reader, sent, sizes = Outbox(), Reader(), {}, {}
    name = 0
    for messages in rounds:
        for sender, size in messages:
            put(outbox, sender, name, size)
            sent.setdefault(sender, []).append(name)
            sizes[name] = size
            name += 1
        reader.take(outbox.batch())
    while batch := outbox.batch():
        assert sum(map(len, batch)) <= BATCH + 2 * LIMIT
        reader.take(batch)
    assert not outbox
    assert {outbox.waiting_of(sender) for sender in sent} <= {0}
    assert {name: len(data) for name, data in reader.done} == sizes
    order = [name for name, _ in reader.done]
    for names in sent.values():
        assert [one for one in order if one in names] == names


def test_a_small_message_is_not_behind_the_large_one_of_another():
    outbox, reader = Outbox(), Reader()
    put(outbox, "large", 1, 50 * FRAGMENT)
    reader.take(outbox.batch())
    put(outbox, "small", 2, 0)
    put(outbox, "large", 3, 0)
    reader.take(outbox.batch())
    assert reader.done == [(2, b"")]
    while batch := outbox.batch():
        reader.take(batch)
    assert [name for name, _ in reader.done] == [2, 1, 3]


def test_large_messages_of_several_take_turns():
    outbox, reader = Outbox(), Reader()
    put(outbox, "a", 1, 40 * FRAGMENT)
    put(outbox, "b", 2, 2 * FRAGMENT)
    for _ in range(5):
        reader.take(outbox.batch())
    assert [name for name, _ in reader.done] == [2]


def test_a_flood_of_small_ones_does_not_stop_a_large_one():
    outbox, reader = Outbox(), Reader()
    put(outbox, "a", 1, 3 * FRAGMENT)
    for number in range(20):
        for _ in range(BATCH // 16 * 2):
            put(outbox, "b", 2 + number, 0)
        reader.take(outbox.batch())
        if any(name == 1 for name, _ in reader.done):
            return
    raise AssertionError("it never got through")
