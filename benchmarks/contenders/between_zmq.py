"""ZeroMQ and msgpack: two interpreters and a pair of sockets; its own thread reads and writes."""

import sys
from time import perf_counter

import msgpack
import zmq

from benchmarks.contenders import other_process

VERSION = f"pyzmq {zmq.__version__}"

ECHO, COUNT = "echo", "count"

#: Messages that may wait on either side; there are always fewer bytes of the large ones than of memory.
WAITING = 1000
LARGE_WAITING = 4

_sockets = {}


def new_socket(waiting):
    socket = zmq.Context.instance().socket(zmq.PAIR)
    socket.set_hwm(waiting)
    return socket


def send(socket, message):
    socket.send(msgpack.packb(message), copy=False)


def receive(socket):
    return msgpack.unpackb(socket.recv(copy=False).buffer, use_list=False)


def connect(waiting=WAITING):
    if waiting not in _sockets:
        port = other_process.start("benchmarks.contenders.between_zmq", waiting)
        socket = _sockets[waiting] = new_socket(waiting)
        socket.connect(f"tcp://127.0.0.1:{port}")
    return _sockets[waiting]


def round_trip(n):
    socket = connect()
    send(socket, (ECHO, n))
    begin = perf_counter()
    for _ in range(n):
        send(socket, ("here", "ping"))
        receive(socket)
    return perf_counter() - begin


def one_way(n):
    return _one_way(connect(), n, "drop")


def megabyte(n):
    return _one_way(connect(LARGE_WAITING), n, bytes(1_000_000))


def _one_way(socket, n, message):
    send(socket, (COUNT, n))
    begin = perf_counter()
    for _ in range(n):
        send(socket, message)
    receive(socket)
    return perf_counter() - begin


def _serve(waiting):
    socket = new_socket(waiting)
    print(socket.bind_to_random_port("tcp://127.0.0.1"), flush=True)
    while True:
        kind, n = receive(socket)
        for _ in range(n):
            message = receive(socket)
            if kind == ECHO:
                send(socket, message[1])
        if kind == COUNT:
            send(socket, "done")


if __name__ == "__main__":
    other_process.end_with_the_first()
    _serve(int(sys.argv[1]))
