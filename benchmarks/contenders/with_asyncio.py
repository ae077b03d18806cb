"""asyncio: tasks, with a queue each for a mailbox."""

import asyncio
import platform
from time import perf_counter

VERSION = f"asyncio {platform.python_version()}"
RING = 100
AT_A_TIME = 10


def ping_pong(n):
    return asyncio.run(_ping(n))


async def _ping(n):
    mine, theirs = asyncio.Queue(), asyncio.Queue()
    peer = asyncio.create_task(_pong(theirs, mine, n))
    begin = perf_counter()
    for _ in range(n):
        theirs.put_nowait("ping")
        await mine.get()
    took = perf_counter() - begin
    await peer
    return took


async def _pong(mine, theirs, n):
    for _ in range(n):
        await mine.get()
        theirs.put_nowait("pong")


def ring(n):
    return asyncio.run(_ring(n))


async def _ring(n):
    mine = following = asyncio.Queue()
    tasks = []
    for _ in range(RING - 1):
        mailbox = asyncio.Queue()
        tasks.append(asyncio.create_task(_pass_on(mailbox, following)))
        following = mailbox
    begin = perf_counter()
    for _ in range(n // RING):
        following.put_nowait("token")
        await mine.get()
    took = perf_counter() - begin
    following.put_nowait("end")
    await asyncio.gather(*tasks)
    return took * n / (n // RING * RING)


async def _pass_on(mailbox, following):
    while True:
        message = await mailbox.get()
        following.put_nowait(message)
        if message == "end":
            return


def flood(n):
    return asyncio.run(_flood(n))


async def _flood(n):
    mailbox = asyncio.Queue()
    sink = asyncio.create_task(_sink(mailbox, n))
    begin = perf_counter()
    for _ in range(n):
        mailbox.put_nowait("drop")
    await sink
    return perf_counter() - begin


async def _sink(mailbox, n):
    for _ in range(n):
        await mailbox.get()


def spawn_reply(n):
    return asyncio.run(_spawn_reply(n))


async def _spawn_reply(n):
    mine = asyncio.Queue()
    begin = perf_counter()
    for _ in range(n):
        task = asyncio.create_task(_reply(mine))  # held, as asyncio's documentation asks
        await mine.get()
    del task
    return perf_counter() - begin


async def _reply(mailbox):
    mailbox.put_nowait("here")


def spawn_down(n):
    return asyncio.run(_spawn_down(n))


async def _spawn_down(n):
    begin = perf_counter()
    for _ in range(n):
        await asyncio.create_task(_nothing())
    return perf_counter() - begin


async def _nothing():
    pass


def stream(n):
    return asyncio.run(_stream(n))


async def _stream(n):
    begin = perf_counter()
    at_a_time = asyncio.Semaphore(AT_A_TIME)
    total = sum(await asyncio.gather(*(_increment(x, at_a_time) for x in range(n))))
    took = perf_counter() - begin
    assert total == n * (n + 1) // 2
    return took


async def _increment(x, at_a_time):
    async with at_a_time:
        return x + 1


_kept = []


def park(n):
    loop = asyncio.new_event_loop()
    begin = perf_counter()
    tasks = loop.run_until_complete(_park(n))
    _kept.append((loop, tasks))
    return perf_counter() - begin


async def _park(n):
    tasks = [asyncio.create_task(asyncio.Queue().get()) for _ in range(n)]
    await asyncio.sleep(0)
    return tasks


def call(n):
    return asyncio.run(_call(n))


async def _call(n):
    mailbox = asyncio.Queue()
    server = asyncio.create_task(_serve(mailbox))
    loop = asyncio.get_running_loop()
    begin = perf_counter()
    for _ in range(n):
        answer = loop.create_future()
        mailbox.put_nowait(answer)
        async with asyncio.timeout(5):  # as a call of a GenServer has it
            await answer
    took = perf_counter() - begin
    server.cancel()
    return took


async def _serve(mailbox):
    n = 0
    while True:
        answer = await mailbox.get()
        if answer is None:
            n += 1
        elif not answer.done():
            answer.set_result(n)


def cast(n):
    return asyncio.run(_cast(n))


async def _cast(n):
    mailbox = asyncio.Queue()
    server = asyncio.create_task(_serve(mailbox))
    begin = perf_counter()
    for _ in range(n):
        mailbox.put_nowait(None)
    answer = asyncio.get_running_loop().create_future()
    mailbox.put_nowait(answer)
    await answer
    took = perf_counter() - begin
    server.cancel()
    return took


def idle(n):
    loop = asyncio.new_event_loop()
    begin = perf_counter()
    tasks = loop.run_until_complete(_idle(n))
    _kept.append((loop, tasks))
    return perf_counter() - begin


async def _idle(n):
    tasks = [asyncio.create_task(_serve(asyncio.Queue())) for _ in range(n)]
    await asyncio.sleep(0)
    return tasks
