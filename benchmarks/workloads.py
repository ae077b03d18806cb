"""What is measured, and what is to be reached.

Every contender has a function of the workload's name that does it ``n`` times and returns the seconds it
took. A contender without one does not compete there.
"""

from typing import NamedTuple


class Workload(NamedTuple):
    name: str
    title: str
    #: the most repetitions in one go: a flood queues them all
    at_most: int


class Goal(NamedTuple):
    """``workload`` takes ``peer`` at least ``ratio`` times as long as pyex."""

    workload: str
    peer: str
    ratio: float
    words: str


WORKLOADS = [
    Workload("ping_pong", "ping-pong, round trip", 1_000_000),
    Workload("ring", "ring of 100, hop", 1_000_000),
    Workload("flood", "flood, send + receive", 200_000),
    Workload("spawn_reply", "spawn + reply", 500_000),
    Workload("spawn_down", "spawn + exit + DOWN", 500_000),
    Workload("call", "GenServer.call", 500_000),
    Workload("cast", "GenServer.cast", 200_000),
    Workload("stream", "Task.async_stream, task", 200_000),
    Workload("restart", "supervisor, restart", 1_000),
]

#: Measured once each, in a fresh OS process, by its resident size.
MEMORY = [
    Workload("park", "a parked process, bytes", 100_000),
    Workload("idle", "an idle GenServer, bytes", 100_000),
]

GOALS = [
    Goal("ping_pong", "gevent", 2, "2x faster than gevent's queues"),
    Goal("ping_pong", "asyncio", 4, "4x faster than asyncio's queues"),
    Goal("ping_pong", "beam", 1 / 4, "within 4x of BEAM"),
    Goal("flood", "beam", 1 / 3, "within 3x of BEAM"),
    Goal("spawn_reply", "beam", 1 / 3, "within 3x of BEAM"),
    Goal("spawn_down", "asyncio", 1, "faster than an asyncio task"),
    Goal("spawn_down", "beam", 1 / 3, "within 3x of BEAM"),
    Goal("call", "pykka", 10, "10x faster than Pykka's ask"),
    Goal("call", "elixir", 1 / 4, "within 4x of Elixir's"),
]

#: Bytes that each of them may take.
MEMORY_GOALS = {"park": 8192, "idle": 1536}

#: What the prototype of this design took, in microseconds, and BEAM on the same machine.
PROTOTYPE = {"ping_pong": (1.4, 0.47), "ring": (0.75, 0.20), "flood": (0.22, 0.16), "spawn_reply": (1.6, 1.9)}
