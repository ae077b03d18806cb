"""A tree of 200 workers under random kills: at the end every invariant holds, and nobody is orphaned.

For 2 seconds; ``PYEX_CHAOS=20`` is for as many.
"""

import os
import random
import time

import pytest

from pyex import (
    ChildSpec,
    Down,
    DynamicSupervisor,
    Exit,
    Exited,
    GenServer,
    Process,
    Reply,
    Supervisor,
    SupervisorError,
    receive,
    sleep,
)
from tests.core.support import SOON, names, switching, until
from tests.otp.supervised import _trapping  # noqa: F401 - a fixture

SECONDS = float(os.environ.get("PYEX_CHAOS", "2"))
WORKERS = 200
#: Restarts that are borne: the tree is to live.
MANY = 10**9


class Member(GenServer):
    """Of a group; counts what it is asked, from nothing after each restart."""

    def init(self, trap):
        Process.flag("trap_exit", trap)
        self.asked = 0

    def handle_call(self, request, caller):
        self.asked += 1
        return Reply((request, self.asked))

    def handle_info(self, message):
        """An exit that somebody has sent."""


def member(number, **options):
    return ChildSpec(
        number, (Member.start_link, (number % 2 == 0,)), shutdown=(None, 0.05, "brutal_kill")[number % 3], **options
    )


def named(number):
    return Supervisor.child_spec(Member.child_spec(False, name=f"chaos-{number}"), id=number)


def plant():
    """Groups of each strategy, some with two levels, some of whose workers have threads; 200 workers in all."""
    strategies = ["one_for_one", "one_for_all", "rest_for_one"]
    groups = []
    for group in range(16):
        children = [
            Supervisor.child_spec(Member.child_spec(True, thread=True), id=n)
            if n == 4 and group % 4 == 0
            else (named(group * 10 + n) if n == 5 else member(n))
            for n in range(10)
        ]
        inner = Supervisor.child_spec(children, strategy=strategies[group % 3], max_restarts=MANY, id=("group", group))
        groups.append(inner)
    halves = [
        Supervisor.child_spec(half, strategy=strategy, max_restarts=MANY, id=strategy)
        for strategy, half in (("one_for_one", groups[:8]), ("rest_for_one", groups[8:]))
    ]
    crowd = DynamicSupervisor.child_spec(max_restarts=MANY, name="chaos-crowd")
    return Supervisor.start_link([*halves, crowd], max_restarts=MANY)


def processes_of(tree):
    """Every process of a tree, as the supervisors see it: (supervisors, workers)."""
    supervisors, workers = [tree], []
    for child in Supervisor.which_children(tree):
        assert isinstance(child.pid, type(tree)), f"{child} does not run"
        if child.type == "supervisor":
            above, below = processes_of(child.pid)
            supervisors += above
            workers += below
        else:
            workers.append(child.pid)
    return supervisors, workers


def settled(tree):
    """The tree's processes, once it is at rest: nobody is being restarted."""
    found = None

    def at_rest():
        nonlocal found
        try:
            found = processes_of(tree)
        except (AssertionError, Exit):  # someone is being restarted
            return False
        return all(map(Process.alive, [*found[0], *found[1]]))

    until(at_rest, "the tree is at rest", SOON * 3)
    return found


@pytest.mark.timeout(240 + SECONDS)
def test_200_workers_under_random_kills_leave_a_whole_tree():
    outside = set(Process.list())
    names_before = set(names)
    dice = random.Random(200)
    tree = plant()
    for n in range(40):
        DynamicSupervisor.start_child("chaos-crowd", member(n))
    supervisors, workers = settled(tree)
    assert (len(supervisors), len(workers)) == (20, WORKERS)
    killed = 0
    end = time.monotonic() + SECONDS
    with switching(1e-4):
        while time.monotonic() < end:
            targets = set(Process.list()) - outside - {tree}
            for pid in dice.sample(sorted(targets), min(len(targets), dice.choice([1, 3, 30]))):
                Process.exit(pid, dice.choice(["kill", "kill", "boom", "shutdown", "normal"]))
                killed += 1
            for _ in range(dice.randint(0, 3)):
                disturb(dice)
            sleep(dice.choice([0, 0, 0.002, 0.01]))
    supervisors, workers = settled(tree)
    check_whole(tree, supervisors, workers, outside)
    assert killed > 20
    refs = [Process.monitor(pid) for pid in (*supervisors, *workers)]
    Supervisor.stop(tree, timeout=SOON * 3)
    for ref in refs:
        receive(Down(ref), timeout=SOON)
    until(lambda: set(Process.list()) <= outside, "everybody is gone")
    assert set(names) <= names_before
    assert receive(Exited(tree), timeout=SOON).reason == "normal"


def check_whole(tree, supervisors, workers, outside):
    """Who lives is in the tree, once; each is linked to its supervisor and answers; no name is lost."""
    everybody = [*supervisors, *workers]
    assert len(set(everybody)) == len(everybody)
    until(lambda: set(Process.list()) - outside == set(everybody), "nobody else is there")
    # All but the crowd's, whose supervisor may have been killed and knows only those started since, are as many as before.
    assert len(supervisors) == 20
    assert len(workers) - DynamicSupervisor.count_children("chaos-crowd").active == 160
    for supervisor in supervisors:
        children = {child.pid for child in Supervisor.which_children(supervisor)}
        assert children <= set(Process.info(supervisor).links)
        assert Supervisor.count_children(supervisor).active == len(children)
        assert Process.info(supervisor).message_queue_len == 0
    for pid in workers:
        assert GenServer.call(pid, "hello", timeout=SOON)[0] == "hello"
    for group in range(16):
        assert GenServer.whereis(f"chaos-{group * 10 + 5}") in workers


def disturb(dice):
    """Someone asks for more, or for less, while all this goes on."""
    try:
        if dice.random() < 0.5:
            DynamicSupervisor.start_child("chaos-crowd", member(dice.randrange(40)))
        else:
            children = DynamicSupervisor.which_children("chaos-crowd")
            if children:
                DynamicSupervisor.terminate_child("chaos-crowd", dice.choice(children).pid)
    except (Exit, SupervisorError):
        pass  # it has been killed this moment, or the child has
