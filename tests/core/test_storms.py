"""Very many processes, links, monitors and exits: all end as they should, and leave nothing behind."""

import gc
import sys

import pytest

from pyex import Down, Exited, Process, exit, receive, self, send, spawn
from pyex.core.process import aliases, names, processes
from pyex.core.runtime import runtime
from pyex.core.scheduler import IDLE_WORKERS
from pyex.core.threads import this_process
from pyex.core.timers import timers
from tests.core.support import forever, kill, link_at, messages, monitor_at, result_at, settle, start_at, trap, until

#: Where the processes of a storm live; they take turns.
MIXES = {"one scheduler": (0,), "two schedulers": (0, 1), "with threads": (0, 1, 0, 1, 0, 1, 0, 1, 0, "thread")}

#: A storm takes longer than what should happen at once, on a machine with others at work too.
STORM = 50


@pytest.fixture(params=MIXES.values(), ids=MIXES)
def mix(request):
    return request.param


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """All the tables are where they were."""
    self()
    before = tables()
    yield
    messages()
    until(lambda: tables() == before, "that all is where it was")
    assert all(len(scheduler.idle_workers) <= IDLE_WORKERS for scheduler in runtime.schedulers)


def tables():
    mine = this_process()
    return (
        len(processes), len(names), len(aliases), len(timers),
        *(len(table or ()) for table in (mine.links, mine.monitors, mine.watchers, mine.aliases)),
        mine.relations.marks if mine.relations is not None else 0,
        *(sum(len(queue) for scheduler in runtime.schedulers for queue in (scheduler.ready, scheduler.inbox)),),
    )  # fmt: skip


def spread(mix, count):
    """That many places, of the mix."""
    return [mix[number % len(mix)] for number in range(count)]


# A hundred thousand processes


def die_in_order():
    """One of each way to end, with something of each kind to leave behind."""
    number = receive()
    Process.put("key", ["value"])
    Process.alias()
    Process.cancel_timer(Process.send_after(self(), "too late", STORM))
    Process.monitor(Process.list()[0])
    if number % 4 == 1:
        exit(["reason", number])
    if number % 4 == 2:
        raise LookupError([number])
    if number % 4 == 3:
        receive("never", timeout=STORM)


def generation(count):
    """Start so many processes and see each end; an eighth has everything a process can have."""
    for number in range(count):
        if number % 8:
            receive(Down(Process.monitor(spawn(int))), timeout=STORM)
            continue
        pid, ref = monitor_at(number // 8 % 2, die_in_order)
        Process.register(pid, f"storm-{number}")
        send(pid, number // 8)
        if number // 8 % 4 == 3:
            settle(pid)
            Process.exit(pid, "kill")
        receive(Down(ref, pid), timeout=STORM)


@pytest.mark.timeout(120)
def test_a_hundred_thousand_processes_leave_nothing_behind():
    """Not one object of the interpreter's for every hundred processes."""
    result_at(0, generation, 5000)  # whatever is made once is made
    gc.collect()
    before = sys.getallocatedblocks()
    result_at(0, generation, 100_000, timeout=STORM * 2)
    gc.collect()
    assert sys.getallocatedblocks() - before < 1000


# Storms of spawns


def tree(mix, depth, root):
    """Starts two like itself, down to the leaves, which tell the root."""
    if depth == 0:
        send(root, "leaf")
    for number in range(2 if depth else 0):
        start_at(mix[(depth * 2 + number) % len(mix)], tree, mix, depth - 1, root)


def test_processes_that_spawn_processes(mix):
    leaves = 2 ** (9 if "thread" in mix else 14)

    def body():
        start_at(mix[0], tree, mix, leaves.bit_length() - 1, self())
        return [receive(timeout=STORM) for _ in range(leaves)].count("leaf"), messages()

    assert result_at(mix[0], body, timeout=STORM) == (leaves, [])


def test_all_of_a_thousand_names_are_free_again(mix):
    def body():
        names = [f"storm-{number}" for number in range(1000)]
        pids = [start_at(place, forever, name=name) for place, name in zip(spread(mix, 1000), names, strict=True)]
        found = [Process.whereis(name) for name in names]
        kill(*pids)
        return found == pids, [name for name in names if Process.whereis(name) is not None]

    assert result_at(mix[0], body, timeout=STORM) == (True, [])


# Storms of exits


def test_a_thousand_linked_processes_are_killed_at_once(mix):
    def body():
        trap()
        pids = [link_at(place, forever) for place in spread(mix, 1000)]
        for pid in pids:
            Process.exit(pid, "kill")
        exits = [receive(timeout=STORM) for _ in pids]
        return sorted(exits) == [Exited(pid, "killed") for pid in pids], messages()

    assert result_at(mix[0], body, timeout=STORM) == (True, [])


def wait_linked(boss):
    """Links to whoever it is told to, and waits."""
    for pid in receive(list, timeout=STORM):
        Process.link(pid)
    send(boss, "linked")
    forever()


@pytest.mark.parametrize("reason", ["kill", "boom"])
def test_everyone_linked_to_everyone(mix, reason):
    def body():
        trap()
        pids = [link_at(place, wait_linked, self()) for place in spread(mix, 60)]
        for pid in pids:
            send(pid, pids)
        for _ in pids:
            receive("linked", timeout=STORM)
        for pid in pids:
            settle(pid)  # it knows of all links then
        refs = [Process.monitor(pid) for pid in pids]
        Process.exit(pids[30], reason)
        downs = {receive(Down(ref), timeout=STORM).reason for ref in refs}
        exits = sorted(receive(Exited(), timeout=STORM) for _ in pids)
        ends = "killed" if reason == "kill" else reason
        return downs == {ends}, exits == [Exited(pid, ends) for pid in pids], messages()

    assert result_at(mix[0], body, timeout=STORM) == (True, True, [])


def chain(mix, length, boss):
    """Starts the next, linked; the last one tells its pid and waits for what to end with."""
    if length:
        link_at(mix[length % len(mix)], chain, mix, length - 1, boss)
        forever()
    send(boss, ("last", self()))
    exit(receive(timeout=STORM))


def test_a_chain_of_links_carries_a_reason_through(mix):
    """The head sees it come from its neighbour, whoever began it."""
    length = 500 if "thread" in mix else 10_000
    reason = ["the last", {"of": ("many", length)}]

    def body():
        trap()
        neighbour = link_at(mix[0], chain, mix, length - 1, self())
        _, last = receive(("last", object), timeout=STORM)
        _, ref = Process.link(last), Process.monitor(last)
        send(last, reason)
        exits = [receive(Exited(last), timeout=STORM), receive(Exited(), timeout=STORM)]
        down = receive(Down(ref), timeout=STORM)
        return exits == [Exited(last, reason), Exited(neighbour, reason)], down.reason == reason, messages()

    assert result_at(mix[0], body, timeout=STORM) == (True, True, [])


def test_a_chain_of_links_is_left_alone_by_a_normal_end():
    def body():
        trap()
        neighbour = link_at(0, chain, (0, 1), 999, self())
        _, last = receive(("last", object), timeout=STORM)
        ref = Process.monitor(last)
        send(last, "normal")
        assert receive(Down(ref), timeout=STORM).reason == "normal"
        alive = Process.alive(neighbour)
        Process.exit(neighbour, "shutdown")
        return alive, receive(timeout=STORM) == Exited(neighbour, "shutdown"), messages()

    assert result_at(0, body, timeout=STORM) == (True, True, [])


def linker(hub, boss):
    """One in two traps exits, and tells what it sees."""
    trapping = self().number % 2 == 0
    Process.flag("trap_exit", trapping)
    Process.link(hub)
    settle(hub)
    send(boss, ("linked", trapping))
    send(boss, receive(Exited(), timeout=STORM))
    forever()


@pytest.mark.parametrize("reason", ["normal", "boom"])
def test_a_process_with_very_many_links_ends(mix, reason):
    count = 300 if "thread" in mix else 10_000

    def body():
        hub = start_at(mix[0], receive)
        pids = [start_at(place, linker, hub, self()) for place in spread(mix, count)]
        linked = [receive(("linked", bool), timeout=STORM)[1] for _ in pids]
        if reason == "normal":
            send(hub, "end")
        else:
            Process.exit(hub, reason)
        told = {receive(timeout=STORM) for _ in range(sum(linked))}
        for pid in pids:
            Process.monitor(pid)
            Process.exit(pid, "kill")
        downs = [receive(Down(), timeout=STORM).reason for _ in pids]
        return told == {Exited(hub, reason)}, downs.count("killed") == (count if reason == "normal" else sum(linked))

    assert result_at(mix[0], body, timeout=STORM) == (True, True)


def test_a_thousand_monitors_on_one_process(mix):
    def body():
        victim = start_at(mix[-1], forever)
        watchers = [start_at(place, watcher, victim, self()) for place in spread(mix, 100)]
        for _ in watchers:
            receive("watching", timeout=STORM)
        refs = [Process.monitor(victim) for _ in range(1000)]
        dropped = refs[::10]
        for ref in dropped:
            Process.demonitor(ref)
        Process.exit(victim, "boom")
        downs = [receive(Down(), timeout=STORM) for _ in range(900)]
        heard = [receive(list, timeout=STORM) for _ in watchers]
        due = [Down(ref, victim, "boom") for ref in refs if ref not in set(dropped)]
        return sorted(downs) == due, heard == [["boom"] * 10] * 100, messages()

    assert result_at(mix[0], body, timeout=STORM) == (True, True, [])


def watcher(victim, boss):
    refs = [Process.monitor(victim) for _ in range(10)]
    settle(victim)
    send(boss, "watching")
    send(boss, [receive(Down(ref), timeout=STORM).reason for ref in refs])
