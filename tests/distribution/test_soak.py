"""Nodes that spawn, link, monitor, send, kill, lose each other, stand still and die: nothing is lost or told twice.

It takes as many seconds as ``PYEX_SOAK`` says, a few without, and some more until all is told.
"""

import os
import random
import time

import pytest

from tests.distribution.conftest import COOKIE, free_port
from tests.distribution.controlled import PROGRAM, Controlled, parts, until

SECONDS = float(os.environ.get("PYEX_SOAK", "4"))

pytestmark = pytest.mark.timeout(240 + SECONDS * 2)

NAMES = "abcdefgh"

#: What each node does, in its process "main"; its problems are what it returns.
SOAK = """
import collections, random, time
from pyex.core.process import aliases, processes

def victim(number):
    "Is sent numbers by one process, and tells that one if they do not rise."
    if number % 3 == 0:
        Process.register(self(), f"victim{number}")
    last = 0
    while True:
        sender, number = receive()
        if number <= last:
            send(sender, ("disorder", self(), last, number))
        last = number

class Soak:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.victims, self.sent = [], collections.Counter()
        self.monitors, self.linked, self.problems = set(), set(), []
        self.done = 0

    def step(self, peers):
        self.done += 1
        what = self.random.randrange(12)
        if what < 2 or not self.victims:
            self.victims.append(Node.spawn(self.random.choice(peers), victim, self.random.randrange(1 << 40)))
            return
        pid = self.random.choice(self.victims)
        if what < 4:
            self.monitors.add(Process.monitor(pid))
        elif what < 6 and pid not in self.linked:
            self.linked.add(pid)
            Process.link(pid)
        elif what < 10:
            self.sent[pid] += 1
            send(pid, (self_pid, self.sent[pid]))
        elif what == 10:
            Process.exit(pid, "kill")
        elif self.random.random() < 0.05:
            cut(self.random.choice(peers).partition("@")[0])

    def take(self, timeout):
        match receive(timeout=timeout, default=None):
            case None:
                return False
            case Down(ref, pid, reason):
                if ref not in self.monitors:
                    self.problems.append(("told twice", "DOWN", pid, reason))
                self.monitors.discard(ref)
            case Exited(pid, reason):
                if pid not in self.linked:
                    self.problems.append(("told twice", "EXIT", pid, reason))
                self.linked.discard(pid)
            case other:
                self.problems.append(other)
        return True

def soak(seed, seconds, peers):
    Process.flag("trap_exit", True)
    run = Soak(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end or run.done < 20:
        run.step(peers)
        while run.take(0):
            pass
        sleep(0.002)
    for pid in run.victims:
        Process.exit(pid, "kill")
    end = time.monotonic() + 90
    while (run.monitors or run.linked) and time.monotonic() < end:
        run.take(0.1)
    while run.take(0):
        pass
    run.problems += [("never told", len(run.monitors), len(run.linked))] if run.monitors or run.linked else []
    return [repr(problem) for problem in run.problems]

def left():
    "What is left that belongs to nobody any more."
    here = processes[self_pid.key]
    names = [name for name in Process.registered() if name.startswith("victim")]
    for name in names:  # its killer could not reach this node
        if (pid := Process.whereis(name)) is not None:
            Process.exit(pid, "kill")
    return names, len(here.links or ()), len(here.monitors or ()), len(aliases)

self_pid = self()
logging.getLogger("pyex").setLevel(logging.CRITICAL)
"""


def together(nodes):
    whole = "".join(sorted(node.name.partition("@")[0] for node in nodes))

    def complete():
        for node in nodes[1:]:
            nodes[0].ask(f"Node.ping({node.name!r})")
        return parts(nodes) == {whole}

    until(complete, 120)


def test_what_nodes_do_to_each_other_is_told_once_and_leaves_nothing(monkeypatch):
    monkeypatch.setenv("ERL_EPMD_PORT", str(free_port()))
    monkeypatch.setenv("PYEX_COOKIE", COOKIE)
    program = PROGRAM.replace("for line in sys.stdin:", SOAK + "\nfor line in sys.stdin:")
    begin = [Controlled(name, program=program) for name in NAMES]
    nodes = begin[:]
    randomness = random.Random(7)
    try:
        for node in nodes:
            node.ready()
        together(nodes)
        *steady, doomed = nodes
        peers = [node.name for node in nodes]
        for number, node in enumerate(steady):
            node.process.stdin.write(f"soak({number}, {SECONDS}, {[peer for peer in peers if peer != node.name]!r})\n")
            node.process.stdin.flush()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(min(randomness.uniform(0.5, 1.5), max(0, end - time.monotonic())))
            if randomness.random() < 0.5:
                doomed.kill()
                doomed.process.communicate()
                doomed = Controlled(NAMES[-1], program=program)
                begin.append(doomed)
                doomed.ready()
            else:
                still = randomness.choice(steady)
                still.freeze()
                time.sleep(0.2)
                still.thaw()
        assert [eval(node.process.stdout.readline()) for node in steady] == [[]] * len(steady)
        nodes = [*steady, doomed]
        together(nodes)
        for node in nodes:
            last = []
            try:
                until(lambda node=node, last=last: last.append(node.ask("left()")) or last[-1] == ([], 0, 0, 0), 30)
            except AssertionError:
                raise AssertionError(f"left on {node.name}: {last[-1]}") from None
    finally:
        for node in begin:
            node.discard()
