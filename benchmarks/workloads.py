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
    #: and the fewest
    at_least: int = 200


class Goal(NamedTuple):
    """``workload`` takes ``peer`` at least ``ratio`` times as long as pyex, or one of its variants."""

    workload: str
    peer: str
    ratio: float
    words: str
    pyex: str = "pyex"


class Suite(NamedTuple):
    """A table: contenders are modules named after the prefix, each an OS process of its own."""

    title: str
    prefix: str
    contenders: list[str]
    workloads: list[Workload]
    goals: list[Goal]
    #: measured once each, in a fresh OS process, by its resident size
    memory: list[Workload]


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

ALONE = Suite(
    "In one node", "with_", ["pyex", "asyncio", "gevent", "pykka", "beam", "elixir"], WORKLOADS, GOALS, MEMORY
)

BETWEEN_WORKLOADS = [
    Workload("round_trip", "round trip", 100_000),
    Workload("one_way", "one-way small message", 500_000),
    Workload("megabyte", "one-way 1 MB of bytes", 2000, at_least=30),
    Workload("stream_on_one", "task, on one peer", 10_000, at_least=30),
    Workload("stream_on_all", "task, on all cores", 10_000, at_least=30),
]

BETWEEN_GOALS = [
    Goal("round_trip", "beam", 1 / 2.2, "within 2.2x of BEAM"),
    Goal("round_trip", "beam", 1 / 1.3, "within 1.3x of BEAM on uvloop", "pyex_uvloop"),
    Goal("one_way", "beam", 1 / 3, "within 3x of BEAM"),
]

#: Microseconds that one may take: a gigabyte a second.
MOST_MICROSECONDS = {"megabyte": 1000}

BETWEEN = Suite(
    "Between two nodes of this machine, over loopback",
    "between_",
    ["pyex", "pyex_uvloop", "asyncio", "uvloop", "zmq", "beam"],
    BETWEEN_WORKLOADS,
    BETWEEN_GOALS,
    [],
)

SUITES = [ALONE, BETWEEN]

#: Every contender there is.
CONTENDERS = list(dict.fromkeys(name for suite in SUITES for name in suite.contenders))

#: What has to be installed for a contender that is not called after it.
NEEDS = {"pyex_uvloop": "uvloop"}
