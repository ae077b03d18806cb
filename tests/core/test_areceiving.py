"""``areceive``: what asyncio runs waits for messages, in coroutines of processes and on any other loop."""

import asyncio
import concurrent.futures
import time

import pytest

from pyex import (
    Exit,
    Pid,
    Process,
    PyexError,
    ReceiveTimeout,
    areceive,
    await_,
    exit,
    receive,
    run,
    self,
    send,
    sleep,
    spawn,
    spawn_link,
)
from pyex.core.areceiving import waiting_in_await
from pyex.core.errors import Terminated
from pyex.core.process import processes
from pyex.core.threads import process_here
from tests.core.support import SOON, Awaitable, ended, messages, program, result_at, start_at, switching, until


def on_a_loop(coroutine, *args):
    """As a notebook or a program of asyncio would."""
    return asyncio.run(coroutine(*args))


def on_another_thread(coroutine, *args):
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(on_a_loop, coroutine, *args).result(SOON)


#: Ways to run a coroutine function in which areceive works; its value.
WAYS = {
    "awaited by a process": lambda coroutine, *args: result_at(0, lambda: await_(coroutine(*args))),
    "awaited by another one": lambda coroutine, *args: result_at(1, lambda: await_(coroutine(*args))),
    "awaited by a thread's process": lambda coroutine, *args: result_at("thread", lambda: await_(coroutine(*args))),
    "awaited by the main thread": lambda coroutine, *args: await_(coroutine(*args)),
    "asyncio.run": on_a_loop,
    "asyncio.run on a thread": on_another_thread,
    "asyncio.run in a thread's process": lambda coroutine, *args: result_at("thread", on_a_loop, coroutine, *args),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


def test_a_message_that_is_there(way):
    async def main():
        send(self(), "first")
        send(self(), ("second", 2))
        return await areceive(("second", int)), await areceive(), await areceive(timeout=0, default="empty")

    assert way(main) == (("second", 2), "first", "empty")


def test_messages_that_come(way):
    def echo(parent):
        send(parent, receive(timeout=SOON))

    async def main():
        got = []
        for number in range(50):
            send(spawn(echo, self()), number)
            got.append(await areceive(timeout=SOON))
        return got

    assert way(main) == list(range(50))


def test_messages_from_threads(way):
    async def main():
        spawn(lambda parent: [send(parent, number) for number in range(300)], self(), thread=True)
        return [await areceive(int, timeout=SOON) for _ in range(300)]

    with switching(1e-5):
        assert way(main) == list(range(300))


def test_the_loop_goes_on_meanwhile(way):
    async def main():
        mine = self()

        async def other():
            for _ in range(10):
                await asyncio.sleep(0)
            send(mine, "from the other task")

        task = asyncio.create_task(other())
        got = await areceive(timeout=SOON)
        await task
        return got

    assert way(main) == "from the other task"


def test_its_time(way):
    async def main():
        send(self(), "something else")
        begin = time.monotonic()
        with pytest.raises(ReceiveTimeout, match=r"0\.05 s that matches 'this'"):
            await areceive("this", timeout=0.05)
        spent = time.monotonic() - begin
        return spent, await areceive("this", timeout=0, default=None), await areceive(timeout=0)

    spent, default, rest = way(main)
    assert 0.05 <= spent < SOON
    assert (default, rest) == (None, "something else")


def test_messages_that_do_not_match_do_not_restart_the_time(way):
    def noise(pid):
        while True:
            send(pid, "noise")
            sleep(0.002)

    async def main():
        noisy = spawn_link(noise, self())
        value = await areceive("signal", timeout=0.1, default="none")
        Process.unlink(noisy)
        Process.exit(noisy, "kill")
        return value

    assert way(main) == "none"


def test_tasks_share_the_mailbox_and_each_message_goes_to_one(way):
    async def main():
        mine = self()

        async def take(what):
            return await areceive((what, int), timeout=SOON)

        async def same():
            return self() == mine

        tasks = [asyncio.create_task(take(what)) for what in ("a", "b", "a", "b")]
        await asyncio.sleep(0)
        spawn(lambda: [send(mine, message) for message in [("b", 1), ("a", 2), ("a", 3), ("b", 4)]])
        got = await asyncio.gather(*tasks)
        return got, await asyncio.create_task(same()), await areceive(timeout=0, default="empty")

    assert way(main) == ([("a", 2), ("b", 1), ("a", 3), ("b", 4)], True, "empty")


def test_cancelled_it_has_taken_nothing(way):
    async def main():
        for number in range(30):
            task = asyncio.create_task(areceive())
            await asyncio.sleep(0)
            send(self(), number)
            if number % 2:
                await asyncio.sleep(0)
            if not task.done():
                task.cancel()
            try:
                assert await task == number
            except asyncio.CancelledError:
                assert await areceive(timeout=0) == number
        return await areceive(timeout=0, default="empty")

    assert way(main) == "empty"


def test_a_flood_from_threads_loses_nothing(way):
    async def main():
        for sender in range(3):
            spawn(lambda parent, sender: [send(parent, (sender, n)) for n in range(200)], self(), sender, thread=True)
        got = {0: [], 1: [], 2: []}

        async def take(sender):
            for _ in range(200):
                got[sender].append((await areceive((sender, int), timeout=SOON))[1])

        await asyncio.gather(*map(take, got))
        return got

    with switching(1e-6):
        assert way(main) == {sender: list(range(200)) for sender in range(3)}


def test_an_exit_ends_it(way):
    def killer():
        Process.exit(receive(Pid, timeout=SOON), "over")

    async def main(killing):
        send(killing, self())
        await areceive("never")

    with pytest.raises((Exit, Terminated, AssertionError)) as raised:
        run(lambda killing: way(main, killing), spawn(killer))
    assert "over" in repr(raised.value)


# Which process a coroutine is


def test_a_thread_becomes_a_process_by_using_it_and_ends_with_it():
    async def main():
        assert process_here() is None
        empty = await areceive(timeout=0, default="empty")
        return empty, self()

    empty, pid = on_another_thread(main)
    assert empty == "empty"
    until(lambda: pid.key not in processes)


def test_on_the_main_thread_it_is_the_main_thread_s():
    async def main():
        return self(), await areceive(timeout=SOON)

    send(self(), "sent before")
    assert asyncio.run(main()) == (self(), "sent before")


def test_receive_on_the_same_thread_takes_turns_with_it():
    """A plain receive stops the loop, as anything that blocks; no wake-up is lost for the tasks that wait."""

    async def main():
        mine = self()
        task = asyncio.create_task(areceive("for the task", timeout=SOON))
        await asyncio.sleep(0)
        spawn(lambda: [send(mine, text) for text in ("for the task", "for all")])
        return receive("for all", timeout=SOON), await task

    for _ in range(20):
        assert asyncio.run(main()) == ("for all", "for the task")
    assert messages() == []


def test_the_thread_receives_as_before_afterwards():
    async def main():
        return await areceive(timeout=0.001, default="nothing")

    assert asyncio.run(main()) == "nothing"
    parent = self()
    spawn(lambda: send(parent, "hello"))
    assert receive(timeout=SOON) == "hello"
    assert process_here().owner.listeners == []
    assert not process_here().waiting


def test_await_of_areceive_is_receive():
    def main():
        send(self(), 1)
        return await_(areceive(int)), await_(areceive(timeout=0, default=2))

    for place in (0, "thread"):
        assert result_at(place, main) == (1, 2)


def test_many_processes_that_receive_in_coroutines():
    def main(parent):
        async def echo():
            while True:
                number = await areceive(int, timeout=SOON)
                if not number:
                    return
                send(parent, number)

        await_(echo())

    pids = [start_at(index % 2, main, self()) for index in range(50)]
    for number in range(1, 11):
        for pid in pids:
            send(pid, number)
    assert sorted(receive(timeout=SOON) for _ in range(500)) == sorted(list(range(1, 11)) * 50)
    for pid in pids:
        send(pid, 0)
    ended(*pids)
    assert not waiting_in_await


def test_killed_ones_leave_nothing():
    pids = [start_at(index % 2, lambda: await_(Awaitable(areceive, "never"))) for index in range(1000)]
    for pid in pids:
        Process.exit(pid, "kill")
    assert set(ended(*pids)) <= {"killed", "noproc"}
    until(lambda: not waiting_in_await)


def test_under_asyncio_run_in_a_process_it_says_what_to_use():
    with pytest.raises(AssertionError, match=r"await_\(\.\.\.\)"):
        result_at(0, lambda: asyncio.run(areceive()))


def test_a_callback_of_a_scheduler_s_loop_has_no_mailbox():
    from pyex.core.runtime import runtime

    future = asyncio.run_coroutine_threadsafe(areceive(), runtime.first().loop)
    with pytest.raises(PyexError, match="no process"):
        future.result(SOON)


def test_a_process_of_a_notebook_can_be_linked_and_trap_exits():
    async def main():
        Process.flag("trap_exit", True)
        try:
            child = spawn_link(lambda: exit("over"))
            return await areceive(timeout=SOON) == ("EXIT", child, "over")
        finally:
            Process.flag("trap_exit", False)

    assert asyncio.run(main())


def test_13_ctrl_c_ends_it():
    done = program(
        """
        import asyncio
        async def main():
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            await areceive()
        for runner in (asyncio.run, await_):
            try:
                runner(main())
            except KeyboardInterrupt:
                print("interrupted")
        send(self(), "hello")
        print(receive())
        """
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\ninterrupted\nhello\n"), done.stderr
