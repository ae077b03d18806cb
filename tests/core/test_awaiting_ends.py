"""What ends an ``await_`` before its time: exits, timeouts, interrupts, the end of the program; and what it leaves."""

import asyncio
import gc
import threading
import weakref

import pytest

from pyex import AwaitTimeout, Down, Process, PyexError, areceive, await_, blocking, receive, run, self, send, spawn
from pyex.core.awaiting import waiting_in_await
from pyex.core.monitor import monitor
from pyex.core.process import aliases, processes
from tests.core.support import SOON, Awaitable, ended, messages, program, result_at, scheduler, start_at, until

PLACES = [0, "thread"]

released = threading.Event()


async def forever():
    await asyncio.Event().wait()


async def tell_of_cancelling(parent, what="begun"):
    """Says so when it runs, and when it is cancelled."""
    send(parent, what)
    try:
        await asyncio.Event().wait()
    finally:
        send(parent, "cancelled")


def tasks(index):
    """The tasks on the loop of a scheduler."""
    return asyncio.all_tasks(scheduler(index).loop)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reason", ["kill", "over"])
def test_it_is_cancelled_when_the_process_is_exited(place, reason):
    pid = start_at(place, lambda parent: await_(tell_of_cancelling(parent)), self())
    assert receive(timeout=SOON) == "begun"
    Process.monitor(pid)
    Process.exit(pid, reason)
    got = [receive(timeout=SOON), receive(timeout=SOON)]
    assert "cancelled" in got
    assert [it.reason for it in got if isinstance(it, Down)] == ["killed" if reason == "kill" else "over"]


def test_it_is_cancelled_when_main_is_exited():
    def main(parent):
        victim = self()
        killer = spawn(lambda: (receive("it has begun"), Process.exit(victim, "over")))

        async def coroutine():
            send(killer, "it has begun")
            await tell_of_cancelling(parent)

        await_(coroutine())

    with pytest.raises(PyexError) as raised:
        run(main, self())
    assert raised.value.reason == "over"
    assert messages() == ["begun", "cancelled"]


@pytest.mark.parametrize("place", PLACES)
def test_it_is_cancelled_when_its_time_is_over(place):
    def main(parent):
        with pytest.raises(TimeoutError) as raised:
            await_(tell_of_cancelling(parent), timeout=0.01)
        assert type(raised.value) is AwaitTimeout
        assert isinstance(raised.value, PyexError)
        return await_(asyncio.sleep(0, "went on"), timeout=SOON), str(raised.value)

    value, text = result_at(place, main, self())
    assert value == "went on"
    assert "0.01 s" in text
    assert messages() == ["begun", "cancelled"]


@pytest.mark.parametrize("place", PLACES)
def test_a_timeout_of_its_own_is_its_own(place):
    async def coroutine():
        async with asyncio.timeout(0.001):
            await forever()

    def main():
        with pytest.raises(TimeoutError) as raised:
            await_(coroutine(), timeout=SOON)
        return type(raised.value).__name__

    assert result_at(place, main) == "TimeoutError"


@pytest.mark.parametrize("timeout", ["1", True, float("nan")])
def test_a_time_is_a_number(timeout):
    with pytest.raises((TypeError, ValueError), match="number of seconds"):
        await_(forever(), timeout=timeout)


@pytest.mark.parametrize("place", PLACES)
def test_messages_do_not_disturb_it_and_stay(place):
    def main():
        def noise(pid):
            for number in range(100):
                send(pid, number)

        spawn(noise, self())
        value = await_(asyncio.sleep(0.02, "slept"))
        return value, [receive(timeout=SOON) for _ in range(100)]

    assert result_at(place, main) == ("slept", list(range(100)))


@pytest.mark.parametrize("place", PLACES)
def test_a_coroutine_that_does_not_end_does_not_keep_its_process(place):
    async def stubborn():
        while not released.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                pass

    def main():
        try:
            await_(stubborn(), timeout=0.01)
        except AwaitTimeout:
            return "over"

    released.clear()
    assert result_at(place, main) == "over"
    released.set()
    until(lambda: not tasks(0))


def test_what_is_left_behind_goes_on_and_is_still_the_process():
    def main(parent):
        async def background():
            await asyncio.sleep(0)
            send(parent, self())
            try:
                await areceive()
            except PyexError as error:
                send(parent, str(error))

        async def begin():
            asyncio.get_running_loop().kept = asyncio.create_task(background())

        await_(begin())
        assert receive("go on", timeout=SOON)

    pid = start_at(0, main, self())
    assert receive(timeout=SOON) == pid
    assert "not in await_()" in receive(timeout=SOON)
    send(pid, "go on")
    ended(pid)
    del scheduler(0).loop.kept


def test_what_a_thread_leaves_behind_is_cancelled_when_its_process_ends():
    def main(parent):
        async def begin():
            asyncio.get_running_loop().kept = asyncio.create_task(tell_of_cancelling(parent))
            await asyncio.sleep(0)

        await_(begin())

    def plain_thread(parent):
        thread = threading.Thread(target=main, args=(parent,))
        thread.start()
        thread.join(SOON)

    for way in (
        lambda: ended(start_at("thread", main, self())),
        lambda: run(main, self()),
        lambda: plain_thread(self()),
    ):
        way()
        assert receive(timeout=SOON) == "begun"
        assert receive(timeout=SOON) == "cancelled"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fails", [False, True])
def test_memory_is_freed_at_once(place, fails, monkeypatch):
    monkeypatch.setattr(
        monitor, "_hold", lambda *_: None
    )  # while it looks at who holds a scheduler it keeps those frames

    class Thing:
        pass

    async def coroutine(thing):
        await asyncio.sleep(0)
        if fails:
            raise ValueError(thing)
        return thing

    def main():
        thing = Thing()
        ref = weakref.ref(thing)
        try:
            await_(coroutine(thing))
        except ValueError:
            pass
        del thing
        await_(asyncio.sleep(0))  # a turn of the loop, whose last handle holds the task
        return ref() is None

    gc.disable()
    try:
        assert result_at(place, main)
    finally:
        gc.enable()


@pytest.mark.parametrize("started", [False, True])
def test_a_thousand_kills_leave_nothing(started):
    before = len(aliases)
    for _ in range(10):
        pids = [start_at(index % 2, lambda: await_(Awaitable(forever))) for index in range(100)]
        if started:
            until(lambda: len(waiting_in_await) == 100)
        for pid in pids:
            Process.exit(pid, "kill")
        assert set(ended(*pids)) <= {"killed", "noproc"}
    until(lambda: not tasks(0) and not tasks(1), "the end of all tasks")
    assert not waiting_in_await
    assert not {pid.key for pid in pids} & set(processes)
    assert len(aliases) == before
    assert messages() == []


def test_a_hundred_kills_of_threads_leave_nothing():
    pids = [start_at("thread", lambda: await_(Awaitable(forever))) for _ in range(100)]
    for pid in pids:
        Process.exit(pid, "kill")
    assert set(ended(*pids)) <= {"killed", "noproc"}
    until(lambda: not any(it.name.startswith("pyex-process") for it in threading.enumerate()))


def test_kills_that_race_with_the_end():
    pids = [start_at(index % 2, lambda: await_(Awaitable(asyncio.sleep, 0.001))) for index in range(500)]
    for pid in pids:
        Process.exit(pid, "kill")
    assert set(ended(*pids)) <= {"killed", "normal", "noproc"}
    until(lambda: not tasks(0) and not tasks(1))


# Interrupts


def test_13_ctrl_c_cancels_what_the_main_thread_awaits():
    done = program(
        """
        import asyncio
        async def coroutine():
            try:
                threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
                await asyncio.sleep(20)
            finally:
                print("cleaned up")
        try:
            await_(coroutine())
        except KeyboardInterrupt:
            print("interrupted")
        print(await_(asyncio.sleep(0, "went on")))
        """
    )
    assert (done.returncode, done.stdout.split("\n")) == (0, ["cleaned up", "interrupted", "went on", ""]), done.stderr


def test_13_ctrl_c_ends_a_busy_coroutine():
    done = program(
        """
        import asyncio
        async def coroutine():
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            while True:
                pass
        try:
            await_(coroutine())
        except KeyboardInterrupt:
            print("interrupted")
        print(await_(asyncio.sleep(0, "went on")))
        """
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\nwent on\n"), done.stderr


def test_13_no_interrupt_is_lost():
    done = program(
        """
        import asyncio
        inside = threading.Event()
        def pester():
            for turn in range(200):
                inside.wait()
                inside.clear()
                time.sleep(turn % 10 / 5000)
                os.kill(os.getpid(), signal.SIGINT)
        async def coroutine():
            inside.set()
            while True:
                await asyncio.sleep(0.0001)
        threading.Thread(target=pester).start()
        for _ in range(200):
            try:
                await_(coroutine())
            except KeyboardInterrupt:
                pass
        print(await_(asyncio.sleep(0, "went on")))
        """
    )
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


def test_14_the_program_ends_whatever_is_awaited():
    done = program(
        """
        import asyncio
        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass
        async def leave_behind():
            asyncio.get_running_loop().kept = asyncio.create_task(stubborn())
        spawn(lambda: await_(stubborn()))
        spawn(lambda: await_(asyncio.sleep(1000)))
        spawn(lambda: await_(asyncio.sleep(1000)), thread=True)
        await_(leave_behind())
        print("end")
        """,
        timeout=SOON * 2,
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


@pytest.mark.parametrize("begins", [lambda: await_(forever()), lambda: blocking(int)])
def test_13b_an_ending_process_begins_nothing(begins):
    def main(parent):
        send(parent, "running")
        try:
            receive("never")
        finally:
            for _ in range(5):
                with pytest.raises(BaseException) as raised:
                    begins()
                send(parent, type(raised.value).__name__)

    for place in (0, 1):
        pid = start_at(place, main, self())
        assert receive(timeout=SOON) == "running"
        Process.exit(pid, "kill")
        assert [receive(timeout=SOON) for _ in range(5)] == ["Terminated"] * 5
        ended(pid)
    until(lambda: not tasks(0))


def test_13b_a_process_that_swallows_its_exit_is_declared_dead():
    def main(parent):
        send(parent, self())
        while True:
            try:
                await_(Awaitable(forever))
            except BaseException:
                pass

    pid = start_at(0, main, self())
    assert receive(timeout=SOON) == pid
    Process.exit(pid, "kill")
    assert ended(pid) in ("killed", "noproc")
    until(lambda: not tasks(0) and not waiting_in_await)
