"""Ports and too much: programs that write faster than anybody reads, writers faster than programs, and many ports."""

import contextlib
import os
import signal
from collections import deque
from pathlib import Path

import pytest

from pyex import (
    NoProcess,
    Port,
    receive,
    self,
    send,
)
from pyex.core import port_process
from pyex.core.process import processes
from pyex.core.threads import process_here
from tests.core.port_programs import exactly, gone, python, rest, sh
from tests.core.support import SOON, kill, messages, result_at, start_at, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs of a POSIX system")


PLACES = pytest.mark.parametrize("place", [0, "thread"])


def unread():
    """Bytes of output in this process's mailbox, as a port counts them."""
    held = list((process_here().mailbox or deque()).copy())
    return sum(len(message[1][1]) + port_process.PER_MESSAGE for message in held if type(message) is tuple)


@PLACES
@pytest.mark.parametrize("line", [False, True])
def test_a_flood_is_read_no_faster_than_its_owner_reads(place, line):
    def main():
        port = sh("yes", line=line)
        for _ in range(3):
            until(lambda: unread() > port_process.UNREAD // 2, "the flood")
            assert receive("never", timeout=port_process.LOOK_AGAIN_AT_MOST * 5, default=None) is None
            assert unread() < port_process.UNREAD * 9 // 8
            for _ in range(len(process_here().mailbox)):
                receive(timeout=0)
        port.close()

    result_at(place, main)


def test_a_flood_reaches_an_owner_whose_mailbox_is_full_of_other_things():
    def main():
        for number in range(5000):
            send(self(), number)
        port = sh("head -c 5000000 /dev/zero")
        assert sum(map(len, rest(port)[0])) == 5000000
        assert len(messages()) == 5000

    result_at(0, main)


@PLACES
def test_who_writes_faster_than_the_program_reads_waits(place):
    port = python("""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    print("ready", flush=True)
    signal.sigwait({signal.SIGUSR1})
    print(len(sys.stdin.buffer.read(4000000)), flush=True)
    """)
    me = self()

    def writer(by_message):
        for _ in range(200):
            if by_message:
                send(port, (me, ("command", b"x" * 10000)))
            else:
                port.command(b"x" * 10000)
        send(me, "done")

    for by_message in (False, True):
        start_at(place, writer, by_message)
    assert receive("done", timeout=0.2, default=None) is None
    assert port.info().output < 400000
    os.kill(port.info().os_pid, signal.SIGUSR1)
    for _ in range(2):
        receive("done", timeout=SOON)
    assert rest(port) == ([b"4000000"], 0)


@PLACES
def test_a_writer_that_waits_can_be_killed_and_leaves_nothing_when_the_port_goes(place):
    port = python("print('ready', flush=True); signal.pause()")
    me = self()

    def writer():
        with contextlib.suppress(NoProcess):
            while True:
                send(me, "more")
                port.command(b"x" * 50000)
        send(me, receive(timeout=0, default="nothing"))
        receive()

    doomed, survivor = start_at(place, writer), start_at(place, writer)
    while receive("more", timeout=0.2, default=None) is not None:
        pass
    kill(doomed)
    port.close()
    receive("nothing", timeout=SOON)
    kill(survivor)


@PLACES
def test_an_owner_that_writes_before_it_reads_does_not_wait_for_ever(place):
    def main():
        port = Port.open(["cat"])
        for _ in range(100):
            port.command(b"x" * 100000)
        exactly(port, 10000000)
        port.close()

    result_at(place, main)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_ports_leave_no_descriptors_zombies_or_entries():
    rest(sh("exit"))
    before, table = descriptors(), len(processes)
    os_pids = []
    for _ in range(30):
        port = Port.open(["cat"])
        os_pids.append(port.info().os_pid)
        port.close()
        rest(sh("exit"))
    for os_pid in os_pids:
        gone(os_pid)
    until(lambda: descriptors() <= before, "the end of the descriptors")
    until(lambda: len(processes) <= table, "the end of the ports")
