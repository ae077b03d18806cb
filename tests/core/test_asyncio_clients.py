"""Clients and servers of asyncio in processes, by ``await_``."""

import asyncio
import threading

import pytest

import pyex
from pyex import Pid, Process, areceive, await_, receive, self, send
from tests.core.support import SOON, ended, result_at, start_at

PLACES = [0, "thread"]


class Server:
    """Echoes lines, on a loop of its own thread; what happens to its connections, it sends to its maker."""

    def __init__(self):
        maker = pyex.self()
        started = threading.Event()
        self.loop = asyncio.new_event_loop()

        async def serve(reader, writer):
            try:
                while line := await reader.readline():
                    writer.write(line.upper())
                    await writer.drain()
                send(maker, "end of input")
            except ConnectionError:
                send(maker, "end of input")
            finally:
                writer.close()

        async def begin():
            self.server = await asyncio.start_server(serve, "127.0.0.1", 0)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()

        def main():
            self.loop.run_until_complete(begin())
            self.loop.run_forever()
            self.loop.close()

        self.thread = threading.Thread(target=main)
        self.thread.start()
        started.wait(SOON)

    def stop(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            self.loop.call_later(0.01, self.loop.stop)

        asyncio.run_coroutine_threadsafe(end(), self.loop)
        self.thread.join(SOON)
        assert not self.thread.is_alive()


@pytest.fixture
def server():
    it = Server()
    yield it
    it.stop()


@pytest.mark.parametrize("place", PLACES)
def test_clients_of_a_server(server, place):
    """Connections live from one ``await_`` to the next, in several processes."""

    def client(parent, port, name):
        reader, writer = await_(asyncio.open_connection("127.0.0.1", port), timeout=SOON)
        for number in range(20):
            writer.write(f"{name} {number}\n".encode())
            await_(writer.drain(), timeout=SOON)
            assert await_(reader.readline(), timeout=SOON) == f"{name} {number}\n".upper().encode()
        writer.close()
        await_(writer.wait_closed(), timeout=SOON)
        send(parent, (name, "done"))

    for number in range(5):
        start_at(place, client, self(), server.port, f"client{number}")
    done = [receive((str, "done"), timeout=SOON)[0] for _ in range(5)]
    assert sorted(done) == [f"client{number}" for number in range(5)]
    assert [receive(timeout=SOON) for _ in range(5)] == ["end of input"] * 5


@pytest.mark.parametrize("place", PLACES)
def test_the_server_sees_a_killed_client(server, place):
    def client(parent, port):
        async def talk():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"hello\n")
                send(parent, await reader.readline())
                await reader.readline()  # for ever
            finally:
                writer.close()

        await_(talk())

    pid = start_at(place, client, self(), server.port)
    assert receive(timeout=SOON) == b"HELLO\n"
    Process.exit(pid, "kill")
    assert receive(timeout=SOON) == "end of input"


def test_a_server_in_a_process():
    """Its connections are tasks of the process: what they send comes from it, what they receive is its."""

    def main(parent):
        async def serve():
            async def connected(reader, writer):
                writer.write(await areceive(bytes, timeout=SOON))
                writer.close()

            server = await asyncio.start_server(connected, "127.0.0.1", 0)
            send(parent, (self(), server.sockets[0].getsockname()[1]))
            async with server:
                await areceive("stop", timeout=SOON)

        await_(serve())

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await reader.read()
        finally:
            writer.close()

    pid = start_at(0, main, self())
    pid, port = receive((Pid, int), timeout=SOON)
    send(pid, b"for the client")
    assert result_at("thread", lambda: await_(client(port), timeout=SOON)) == b"for the client"
    send(pid, "stop")
    assert ended(pid) in ("normal", "noproc")
