"""``await_``: a process waits for what asyncio can await; the coroutine is that process."""

import asyncio
import contextvars
import threading
import traceback

import pytest

from pyex import (
    Crash,
    Down,
    Process,
    PyexError,
    areceive,
    await_,
    blocking,
    exit,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_link,
    spawn_monitor,
)
from tests.core.support import SOON, monitor_at, program, result_at, start_at

PLACES = [0, "thread"]

variable = contextvars.ContextVar("variable", default="nobody's")


async def forever():
    await asyncio.Event().wait()


@pytest.mark.parametrize("place", PLACES)
def test_the_value_comes_back(place):
    async def coroutine(number):
        await asyncio.sleep(0)
        return number + 1

    assert result_at(place, lambda: await_(coroutine(1))) == 2
    assert result_at(place, lambda: await_(asyncio.wait_for(coroutine(1), SOON), timeout=SOON)) == 2
    assert result_at(place, lambda: await_(asyncio.sleep(0, "slept"))) == "slept"


def test_anything_awaitable_will_do():
    class Awaitable:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return "awaited"

    def main():
        async def make():
            return asyncio.get_running_loop().create_task(asyncio.sleep(0, "of a task"))

        return await_(Awaitable()), await_(await_(make()))

    for place in PLACES:
        assert result_at(place, main) == ("awaited", "of a task")


@pytest.mark.parametrize("what", [None, 3, asyncio.sleep, print])
def test_nothing_else_will(what):
    with pytest.raises(TypeError, match="can await") as raised:
        await_(what)
    assert ("Call it" in str(raised.value)) == callable(what)


@pytest.mark.parametrize("place", PLACES)
def test_what_it_raises_is_raised_with_its_traceback(place):
    async def fails():
        raise ValueError("in the coroutine")

    def main():
        try:
            await_(fails())
        except ValueError as error:
            return str(error), [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    assert result_at(place, main) == ("in the coroutine", ["main", "await_", "fails"])


@pytest.mark.parametrize("place", PLACES)
def test_whatever_it_raises_ends_its_process_only(place):
    async def raises(error):
        raise error

    for error, reason in [
        (SystemExit(), "normal"),
        (SystemExit(3), ("exit", 3)),
        (KeyboardInterrupt(), Crash(KeyboardInterrupt())),
        (asyncio.CancelledError(), Crash(asyncio.CancelledError())),
        (ValueError(1), Crash(ValueError(1))),
        (StopAsyncIteration(), Crash(StopAsyncIteration())),
    ]:
        _, ref = monitor_at(place, lambda error: await_(raises(error)), error)
        assert receive(Down(ref), timeout=SOON).reason == reason
    assert result_at(place, lambda: await_(asyncio.sleep(0, "alive"))) == "alive"


@pytest.mark.parametrize("place", PLACES)
def test_exit_in_the_coroutine_ends_the_process(place):
    async def leaves():
        exit("from the coroutine")

    _, ref = monitor_at(place, lambda: await_(leaves()))
    assert receive(Down(ref), timeout=SOON).reason == "from the coroutine"


def test_others_of_the_scheduler_run_meanwhile():
    def main():
        mine = self()

        async def coroutine():
            send(mine, "from the coroutine")
            return await areceive(("answer", int))

        spawn(lambda: send(mine, ("answer", 42)))
        return await_(coroutine()), receive(timeout=0)

    assert result_at(0, main) == (("answer", 42), "from the coroutine")


@pytest.mark.parametrize("place", PLACES)
def test_many_at_once(place):
    parent = self()

    def main(number):
        send(parent, await_(asyncio.sleep(number / 1000, number)))

    for number in range(30):
        start_at(place, main, number)
    assert sorted(receive(timeout=SOON) for _ in range(30)) == list(range(30))


# The coroutine is the process


@pytest.mark.parametrize("place", PLACES)
def test_the_coroutine_is_the_process(place):
    def main():
        async def inner():
            return self()

        async def coroutine():
            seen = {self(), await inner(), await asyncio.create_task(inner())}
            loop = asyncio.get_running_loop()
            later = loop.create_future()
            loop.call_soon(lambda: later.set_result(self()))
            Process.put("key", "value")
            return seen | {await later}

        return await_(coroutine()), {self()}, Process.get("key")

    seen, mine, value = result_at(place, main)
    assert seen == mine
    assert value == "value"


@pytest.mark.parametrize("place", PLACES)
def test_what_it_sends_spawns_links_and_monitors_is_the_process_s(place):
    def linked(parent, maker):
        Process.flag("trap_exit", True)
        send(maker, "sent to the maker")
        send(parent, receive(timeout=SOON))

    def main(parent):
        async def coroutine():
            child, ref = spawn_monitor(lambda: receive("go on"))
            spawn_link(linked, parent, self())
            send(child, "go on")
            down = await areceive(Down(ref), timeout=SOON)
            return down.reason, await areceive(str, timeout=SOON)

        send(parent, await_(coroutine()))
        exit("over")

    pid = start_at(place, main, self())
    assert receive(tuple, timeout=SOON) == ("normal", "sent to the maker")
    assert receive(timeout=SOON) == ("EXIT", pid, "over")


@pytest.mark.parametrize("place", PLACES)
def test_messages_of_process_and_coroutine_arrive_in_order(place):
    def main(parent):
        async def coroutine(number):
            send(parent, number)
            await asyncio.sleep(0)
            send(parent, number + 1)

        for number in range(0, 30, 3):
            await_(coroutine(number))
            send(parent, number + 2)

    start_at(place, main, self())
    assert [receive(timeout=SOON) for _ in range(30)] == list(range(30))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("waits", "instead"),
    [
        (receive, "areceive"),
        (lambda: receive(timeout=0), "areceive"),
        (lambda: sleep(1), r"asyncio\.sleep"),
        (lambda: blocking(int), r"asyncio\.to_thread"),
        (lambda: await_(asyncio.sleep(0)), "`await` itself"),
        (lambda: Process.alive(spawn(receive, thread=True)), r"asyncio\.to_thread"),
        (lambda: Process.info(spawn(receive, thread=True)), r"asyncio\.to_thread"),
    ],
)
def test_7_what_waits_says_what_to_use(place, waits, instead):
    async def coroutine():
        with pytest.raises(PyexError, match=instead):
            waits()
        return await asyncio.sleep(0, "went on")

    assert result_at(place, lambda: await_(coroutine())) == "went on"


@pytest.mark.parametrize("place", PLACES)
def test_what_runs_on_other_threads_is_not_the_process(place):
    def main():
        async def coroutine():
            return await asyncio.to_thread(lambda: (self(), sleep(0)))

        return await_(coroutine())[0] != self()

    assert result_at(place, main)


@pytest.mark.parametrize("place", PLACES)
def test_context_variables_of_the_process_are_seen(place):
    async def coroutine():
        seen = variable.get()
        variable.set("the coroutine's")
        return seen

    def main():
        variable.set("mine")
        return await_(coroutine()), variable.get()

    assert result_at(place, main) == ("mine", "mine")
    assert result_at(place, lambda: await_(coroutine())) == "nobody's"


@pytest.mark.parametrize("place", PLACES)
def test_all_that_one_process_awaits_runs_on_one_loop(place):
    async def begin():
        return asyncio.get_running_loop(), asyncio.create_task(forever()), threading.get_ident()

    async def end(task):
        task.cancel()
        return asyncio.get_running_loop()

    def main():
        loop, task, thread = await_(begin())
        return loop is await_(end(task)), thread == threading.get_ident()

    assert result_at(place, main) == (True, True)


def test_what_it_prints_goes_to_the_group_leader_and_never_waits():
    done = program(
        """
        import asyncio
        from pyex.core.output import ProcessOutput
        sys.stdout = ProcessOutput(sys.stdout)
        async def coroutine():
            for number in range(200):
                print(number)
            await areceive("go on")
        def leader(parent):
            while True:
                match receive():
                    case ("io_request", sender, ref, ("put_chars", text)):
                        send(parent, text)
        parent = self()
        pid = spawn(lambda: (Process.group_leader(self(), spawn(leader, parent)), await_(coroutine())))
        texts = [receive(str, timeout=10) for _ in range(200)]
        sys.stdout = sys.__stdout__
        print(texts[-1].strip())
        """
    )
    assert (done.returncode, done.stdout) == (0, "199\n"), done.stderr


# Where a loop runs already


def test_where_a_loop_runs_it_says_to_await():
    async def notebook():
        with pytest.raises(PyexError, match="`await` itself"):
            await_(asyncio.sleep(0))

    asyncio.run(notebook())


@pytest.mark.parametrize("place", [*PLACES, 1])
def test_7_asyncio_run_works_in_a_process_and_others_go_on(place):
    """The process's scheduler is busy meanwhile; those of the others are not."""

    def main(other):
        async def coroutine():
            answered = asyncio.get_running_loop().create_future()
            loop = asyncio.get_running_loop()
            send(other, share(lambda: loop.call_soon_threadsafe(answered.set_result, "answered")))
            return await asyncio.wait_for(answered, SOON)

        before = asyncio._get_running_loop()
        return asyncio.run(coroutine()), before, asyncio._get_running_loop(), self() is not None

    other = start_at(1 if place == 0 else 0, lambda: receive()())
    assert result_at(place, main, other) == ("answered", None, None, True)
    assert result_at(place, lambda: await_(asyncio.sleep(0, "the loop is as it was"))) == "the loop is as it was"


def test_7_no_loop_seems_to_run_in_a_process():
    def main():
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        await_(asyncio.sleep(0))
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return True

    for place in PLACES:
        assert result_at(place, main)
