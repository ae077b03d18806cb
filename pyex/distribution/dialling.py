"""How a node is found and reached, and what is said to people when it is not."""

from __future__ import annotations

import difflib
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from pyex.core.errors import ConnectError
from pyex.distribution import epmd, sockets
from pyex.distribution.handshake import Own, RefusedError
from pyex.distribution.names import is_loopback, split
from pyex.distribution.tls import TlsError

#: Puts a question to the name service of a host.
Ask: TypeAlias = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def reach(own: Own, node: str, ask: Ask) -> tuple[socket.socket, tuple[str, int]]:
    """A TCP connection to a node, found by its machine's name service, and the address; raises ``ConnectError``."""
    short, host = split(node)
    if is_loopback(split(own.name)[1]) and not is_loopback(host):
        raise ConnectError(
            f"{own.name} cannot connect to {node}: its own name is of this machine alone. Start it with --lan, or under "
            "an address that other machines can reach, as in --name alice@192.168.1.5"
        )
    try:
        registration = await ask(host, lambda: epmd.look_up(host, short))
        running = [name for name, _ in await epmd.names(host)] if registration is None else []
    except (OSError, ValueError, TimeoutError):
        raise ConnectError(
            f"{node} is not there: no name service answers on {host}, so no node runs there. Start it with "
            f"pyex --name {short}"
        ) from None
    if registration is None:
        names = [f"{name} (this node)" if f"{name}@{host}" == own.name else name for name in sorted(running)]
        others = f"Running there: {', '.join(names)}" if names else "No node runs there"
        if near := difflib.get_close_matches(short, running, n=1):
            others = f"Did you mean {near[0]}@{host}? {others}"
        raise ConnectError(f"no node named {short!r} runs on {host}. {others}")
    if not registration.is_pyex:
        raise ConnectError(f"{node} is an Erlang node, and pyex nodes cannot join those")
    return await sockets.dial(host, registration.port), (host, registration.port)


def refused(node: str, why: RefusedError | TlsError) -> ConnectError:
    """The error that says why a node did not take the connection."""
    if isinstance(why, TlsError):
        text = f"{node} cannot be connected to: {why}"
    elif why.code == "cookie":
        text = (
            f"{node} has another cookie. Start both nodes with the same one: by --cookie, PYEX_COOKIE, or "
            "the cookie file of one user"
        )
    else:
        text = f"{node} refused the connection: {why}"
    error = ConnectError(text)
    error.refused = True
    return error


def explain_listening(error: OSError, host: str, port: int) -> str:
    """Why a node could not listen."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use. Choose another one, or none to take any that is free"
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges. Choose one above 1023, or none to take any that is free"
    return f"this machine has no address {host!r} to listen on ({error.strerror or error}). Is the host right?"
