"""asyncio: two interpreters and a TCP connection, with nothing but a length before each message."""

import asyncio
import platform
import struct
import sys
from time import perf_counter

from benchmarks.contenders import other_process

VERSION = f"asyncio {platform.python_version()}"

ECHO, COUNT = b"echo", b"count"


def frame(data):
    return struct.pack(">I", len(data)) + data


class Frames(asyncio.Protocol):
    """One end; ``got`` is called with each message."""

    def connection_made(self, transport):
        self.transport = transport
        self.buffer = bytearray()
        self.room = asyncio.Event()
        self.room.set()

    def pause_writing(self):
        self.room.clear()

    def resume_writing(self):
        self.room.set()

    def data_received(self, data):
        buffer = self.buffer
        buffer += data
        while len(buffer) >= 4:
            end = 4 + int.from_bytes(buffer[:4], "big")
            if len(buffer) < end:
                break
            message = bytes(memoryview(buffer)[4:end])
            del buffer[:end]
            self.got(message)


class There(Frames):
    """Echoes so many messages, or says when so many have come."""

    left = 0

    def got(self, message):
        if not self.left:
            left, self.kind = message.split(b" ")
            self.left = int(left)
            return
        self.left -= 1
        if self.kind == ECHO or not self.left:
            self.transport.write(frame(message if self.kind == ECHO else b"done"))


class Here(Frames):
    """Asks for them."""

    def begin(self, kind, n):
        self.kind, self.left = kind, n
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(frame(b"%d %s" % (n, kind)))

    def got(self, message):
        self.left -= 1
        if self.kind == COUNT or not self.left:
            self.done.set_result(None)
        else:
            self.transport.write(frame(message))


#: Which event loop both use.
LOOP = "asyncio"

_connection = []


def new_loop(kind):
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(main, *args):
    if not _connection:
        port = other_process.start("benchmarks.contenders.between_asyncio", LOOP)
        loop = new_loop(LOOP)
        _, protocol = loop.run_until_complete(loop.create_connection(Here, "127.0.0.1", int(port)))
        _connection.extend((loop, protocol))
    loop, protocol = _connection
    return loop.run_until_complete(main(protocol, *args))


def round_trip(n):
    return run(_round_trip, n)


async def _round_trip(here, n):
    here.begin(ECHO, n)
    begin = perf_counter()
    here.transport.write(frame(b"ping"))
    await here.done
    return perf_counter() - begin


def one_way(n):
    return run(_one_way, n, b"drop")


def megabyte(n):
    return run(_one_way, n, bytes(1_000_000))


async def _one_way(here, n, message):
    here.begin(COUNT, n)
    begin = perf_counter()
    for _ in range(n):
        if not here.room.is_set():
            await here.room.wait()
        here.transport.writelines((struct.pack(">I", len(message)), message))
    await here.done
    return perf_counter() - begin


async def _serve():
    server = await asyncio.get_running_loop().create_server(There, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    other_process.end_with_the_first()
    new_loop(sys.argv[1]).run_until_complete(_serve())
