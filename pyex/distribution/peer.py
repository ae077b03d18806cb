"""Peers: nodes that a node starts as operating system processes of its own, and that end with it.

Each has a keeper, a process that owns the port to it. The new node gets what it needs by its standard input, which it then
watches: when that ends, because the keeper, the node or the whole machine's user has gone, so does it.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from pyex.core.errors import ConnectError, NameTaken, NodeStartError
from pyex.core.ids import Pid, Port, Ref
from pyex.core.isolation import share
from pyex.core.messages import Down
from pyex.core.messaging import receive, send
from pyex.core.patterns import ANY
from pyex.core.process_api import Process
from pyex.core.signals import EXIT2, signal
from pyex.core.spawning import create, start
from pyex.core.streams import process_streams
from pyex.core.threads import this_process
from pyex.distribution.handshake import Own
from pyex.distribution.names import full_name, split

#: What the new interpreter runs: it finds pyex where this one does.
_BOOT: Final = (
    "import json, sys; boot = json.loads(sys.stdin.readline()); sys.path[:] = boot['path']; "
    "from pyex.distribution.peer import main; main(boot)"
)

#: Seconds for a new node to be there.
PATIENCE: Final = 60.0

#: The keepers of the peers that run, by the peers' names.
_keepers: dict[str, Pid] = {}
_numbers = itertools.count(1)


def start_peer(connect: Callable[[str], bool], own: Own, options: dict[str, Any], name: str | None) -> str:
    """``Node.start_peer``."""
    short, host = split(own.name)
    while True:
        wanted = full_name(name or f"{short}-peer{next(_numbers)}", host)
        boot = {
            "name": wanted, "cookie": own.cookie.decode(), "parent": own.name, "path": sys.path, "options": options,
        }  # fmt: skip
        outcome = _start(wanted, boot)
        if outcome is None:
            try:
                connect(wanted)  # it has done so; this node may be just about to take it up
            except ConnectError as error:
                raise NodeStartError(f"the peer {wanted} has ended again: {error}") from None
            return wanted
        if name is not None or "is in use" not in outcome:
            raise NodeStartError(outcome)


def _start(name: str, boot: dict[str, Any]) -> str | None:
    """Start a keeper and wait for the node; why it did not start, if so."""
    alias = Process.alias(reply=True)
    keeper = create(_keep, (share(boot), alias), leader=this_process().leader, system=True)
    ref = Process.monitor(keeper.pid)
    _keepers[name] = keeper.pid
    start(keeper)
    try:
        match receive((alias, ANY), Down(ref), timeout=PATIENCE, default=None):
            case (_, outcome):
                why: str | None = outcome
            case None:
                why = f"the peer {name} did not start within {PATIENCE} s"
            case Down(_, _, reason):
                why = f"the peer {name} did not start: {reason}"
    except BaseException:
        Process.exit(keeper.pid, "kill")
        raise
    finally:
        Process.unalias(alias)
        Process.demonitor(ref, flush=True)
    if why is not None:
        Process.exit(keeper.pid, "kill")
        _keepers.pop(name, None)
    return why


def stop_peer(name: str) -> bool:
    """``Node.stop_peer``."""
    keeper = _keepers.get(name)
    if keeper is None:
        return False
    ref = Process.monitor(keeper)
    send(keeper, ("stop", ref))
    return bool(receive(Down(ref)).reason != "noproc")


def stop_all() -> None:
    """End all peers, and wait for none."""
    for keeper in [*_keepers.values()]:
        signal(keeper, EXIT2, (keeper, "shutdown"))
    _keepers.clear()


def _keep(boot: dict[str, Any], starter: Ref) -> None:
    """The keeper: what the peer itself prints is printed here."""
    name = boot["name"]
    try:
        port = Port.open([sys.executable, "-c", _BOOT], line=True)
        Port.command(port, json.dumps(boot) + "\n")
        _, (what, data) = receive((port, ANY))
        told = what == "data" and data.startswith(b"{")
        why = json.loads(data)["failed"] if told else f"the peer {name} did not start: {what} {data!r}"
        send(starter, (starter, why))
        while why is None:
            match receive():
                case (Port(), ("data", line)):
                    print(line.decode(errors="replace"))
                case (Port(), ("exit_status", _)):
                    break
                case ("stop", _):
                    Port.close(port)
                    break
                case _:
                    pass  # nobody's business here
    finally:
        if _keepers.get(name) == this_process().pid:
            del _keepers[name]


def main(boot: dict[str, Any]) -> None:
    """The new interpreter: become a node, tell how that went, and stay as long as the standard input lasts."""
    from pyex.distribution.node import Node

    watched = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what a process here reads is not what is watched
    with process_streams():
        handler = logging.StreamHandler(sys.stderr)
        handler.addFilter(lambda record: not getattr(record, "told", False))  # else it is read twice
        logging.getLogger("pyex").addHandler(handler)
        why = None
        try:
            Node.start(boot["name"], boot["cookie"], **boot["options"])
            Node.connect(boot["parent"])
        except (OSError, ValueError, NameTaken) as error:
            why = f"the peer {boot['name']} did not start: {error}"
        print(json.dumps({"failed": why}), flush=True)
        while why is None and os.read(watched, 4096):
            pass
