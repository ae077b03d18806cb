"""Nodes that the tests can ask without being connected to them, and whose connections go through a proxy of the tests."""

from __future__ import annotations

import time

from tests.distribution.conftest import OtherNode

#: Evaluates what it reads, a line at a time, in the process "main", and prints what that gives.
PROGRAM = """
import contextlib, json, logging, os, socket, struct, sys
from pyex import *
from pyex.distribution import handshake, mesh, node, sockets
from tests.distribution.idleness import is_idle
logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s")

def dial_through(port):
    straight = sockets.dial
    async def dial(host, target):
        sock = await straight(host, port)
        sock.send(struct.pack(">H", target) + Node.self().encode().ljust(64))
        return sock
    sockets.dial = dial

def cut(name):
    "End a connection as the network would: both sides find it closed."
    connection = node._current.mesh.connections.get(name + "@127.0.0.1")
    if connection is not None:
        with contextlib.suppress(OSError):  # it ends just now, by itself or by the other side
            connection.channel._sock.shutdown(socket.SHUT_RDWR)

def watch():
    Node.monitor_nodes()
    lost = []
    while True:
        match receive():
            case NodeDown(name): lost.append(name.partition("@")[0])
            case (sender, "lost"): send(sender, ("lost", lost))
            case _: pass

def lost():
    send("watcher", (self(), "lost"))
    return receive(("lost", ANY))[1]

def attempt(name, patience):
    "Connect; True, or why not."
    handshake.PATIENCE = patience
    try:
        return Node.connect(name)
    except ConnectError as error:
        return str(error)

def settled():
    return node._current.mesh.membership.settling is None

def view():
    return sorted(name.partition("@")[0] for name in [Node.self(), *Node.list()])

if os.environ.get("PROXY"):
    dial_through(int(os.environ["PROXY"]))
Node.start(sys.argv[1], **json.loads(sys.argv[2]))
Process.register(spawn(watch), "watcher")
print("ready", flush=True)
for line in sys.stdin:
    print(repr(eval(line)), flush=True)
"""


class Controlled(OtherNode):
    """A node that is asked by its standard input."""

    def __init__(self, name, program=PROGRAM, **options):
        super().__init__(name, program=program, **options)

    def ask(self, expression):
        """What an expression gives there, its ``repr`` evaluated here."""
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return eval(self.process.stdout.readline())

    def connect(self, other):
        assert self.ask(f"Node.ping({other!r})"), (self.name, other)


def views(nodes):
    """What each node sees."""
    return {node.name.partition("@")[0]: frozenset(node.ask("view()")) for node in nodes}


def parts(nodes):
    """The parts of the mesh, if all nodes of each see just each other; else None."""
    seen = views(nodes)
    if any(seen.get(name) != view for view in seen.values() for name in view):
        return None
    return {"".join(sorted(view)) for view in seen.values()}


def until(condition, seconds=60.0):
    """Wait for something that other processes of the system do."""
    deadline = time.monotonic() + seconds
    while not (outcome := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return outcome


def together(nodes):
    """Connect them all, and wait until they are."""
    for node in nodes[1:]:
        node.connect(nodes[0].name)
    whole = "".join(sorted(node.name.partition("@")[0] for node in nodes))
    until(lambda: parts(nodes) == {whole})
    until(lambda: all(node.ask("settled()") for node in nodes))
