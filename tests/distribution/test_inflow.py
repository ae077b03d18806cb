"""What comes over a connection, in whatever pieces, is cut into the frames that were sent."""

import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyex.distribution.inflow import AHEAD, BESIDE, Inflow, MalformedError
from pyex.distribution.outbox import FRAGMENT_MARK

LIMIT = 600


def frame(data):
    return struct.pack(">I", len(data)) + data


def fragment(number, data):
    return frame(struct.pack(">BI", FRAGMENT_MARK, number) + data)


def feed(inflow, data, sizes, receiver):
    """Let it read, as a channel does, so many bytes at a time."""
    data = memoryview(data)
    while data:
        targets = [inflow.buffer[inflow.filled :]] if inflow.rest is None else [inflow.rest, inflow.buffer[:BESIDE]]
        count = min(next(sizes), len(data), sum(map(len, targets)))
        left = count
        for target in targets:
            part = min(left, len(target))
            target[:part] = data[:part]
            data, left = data[part:], left - part
        inflow.take(count, receiver)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=LIMIT - 5).map(lambda data: b"." + data) | st.integers(1, 5 * LIMIT)),
    st.lists(st.integers(1, 3 * LIMIT), min_size=1, max_size=20),
    st.lists(st.integers(1, LIMIT - 5), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_frames_and_payloads_arrive_whole_in_whatever_pieces(sent, sizes, cuts, random):
    inflow, got, whole = Inflow(LIMIT), [], {}
    streams, lengths = [], itertools.cycle(cuts)
    for number, one in enumerate(sent):
        if isinstance(one, bytes):
            streams.append([frame(one)])
            continue
        payload, pieces = bytes(itertools.islice(itertools.cycle(range(251)), one)), []
        inflow.expect(number, one, lambda data, number=number: whole.setdefault(number, bytes(data)))
        while payload:
            cut = next(lengths)
            pieces.append(fragment(number, payload[:cut]))
            payload = payload[cut:]
        streams.append(pieces)
    wire = []
    while streams := [stream for stream in streams if stream]:
        wire.append(random.choice(streams).pop(0))
        if random.random() < 0.1:
            wire.append(frame(b""))  # a tick
    feed(inflow, b"".join(wire), itertools.cycle(sizes), lambda data: got.append(bytes(data)))
    assert sorted(got) == sorted(one for one in sent if isinstance(one, bytes))
    payloads = {number: one for number, one in enumerate(sent) if isinstance(one, int)}
    assert {number: len(data) for number, data in whole.items()} == payloads
    assert all(data == bytes(itertools.islice(itertools.cycle(range(251)), len(data))) for data in whole.values())
    assert inflow.rest is None
    assert inflow.filled == 0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(1, 50), min_size=1, max_size=10))
def test_any_bytes_are_frames_or_malformed(data, sizes):
    inflow, got = Inflow(100), []
    inflow.expect(1, 50, lambda data: None)
    try:
        feed(inflow, data, itertools.cycle(sizes), lambda data: got.append(bytes(data)))
    except MalformedError:
        pass
    assert sum(map(len, got)) <= len(data)


def test_what_is_reserved_is_in_proportion_to_what_has_come():
    inflow = Inflow(LIMIT)
    inflow.expect(1, 1 << 40, lambda data: None)
    for _ in range(3):
        feed(inflow, fragment(1, bytes(100)), itertools.repeat(LIMIT), lambda data: None)
    assert len(inflow._payloads[1].buffer) <= 300 * AHEAD


def test_nothing_is_handed_on_when_no_more_is_wanted():
    inflow, got = Inflow(LIMIT), []

    def take_one(data):
        got.append(bytes(data))
        inflow.over = True

    feed(inflow, frame(b"a") + frame(b"b"), itertools.repeat(LIMIT), take_one)
    assert got == [b"a"]


@pytest.mark.parametrize(
    "wire",
    [
        frame(bytes(LIMIT + 1)),
        fragment(7, b"nobody knows it"),
        fragment(1, b""),
        fragment(1, b"longer than announced"),
        fragment(1, b"abc") + fragment(1, b"d"),
    ],
)
def test_51_what_is_no_frame_or_fragment_is_malformed(wire):
    inflow = Inflow(LIMIT)
    inflow.expect(1, 3, lambda data: None)
    with pytest.raises(MalformedError):
        feed(inflow, wire, itertools.repeat(LIMIT), lambda data: None)


@pytest.mark.parametrize("announced", [(1, 0), (1, -1), ("x", 5), (1, "y"), (1, True), (2, 5)])
def test_51_what_announces_no_payload_is_malformed(announced):
    inflow = Inflow(LIMIT)
    inflow.expect(2, 5, lambda data: None)
    with pytest.raises(MalformedError):
        inflow.expect(*announced, lambda data: None)
