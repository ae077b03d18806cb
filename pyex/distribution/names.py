"""Names of nodes: ``name@host``."""

from __future__ import annotations

import ipaddress
import re
import socket

from pyex.core.errors import NodeNameError
from pyex.core.identity import LOOPBACK

_SHORT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}")


def full_name(text: str, host: str = LOOPBACK) -> str:
    """``name@host`` for what a user gave: ``bob`` means ``bob@127.0.0.1``, or on another ``host``.

    Raises ``NodeNameError`` (a ``ValueError``) that says what a name looks like.
    """
    if not isinstance(text, str):
        raise NodeNameError(f"a node's name is a str such as 'bob@127.0.0.1', not {text!r}")
    short, at, given = text.partition("@")
    if at:
        host = given
    if not _SHORT.fullmatch(short) or not _HOST.fullmatch(host):
        raise NodeNameError(
            f"{text!r} is no name for a node. Use letters, digits, '_' and '-', and a host if it is "
            "another machine: bob, or bob@192.168.1.5"
        )
    return f"{short}@{host}"


def is_short_name(text: str) -> bool:
    """Whether it can stand before the ``@``; what a stranger registers is shown to people only if so."""
    return _SHORT.fullmatch(text) is not None


def split(name: str) -> tuple[str, str]:
    """The two parts of a full name."""
    short, _, host = name.partition("@")
    return short, host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def lan_address() -> str:
    """This machine's address in its network; raises ``NodeNameError`` when it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing; the system chooses the address it would send from
            address = str(sock.getsockname()[0])
        except OSError:
            address = LOOPBACK
    if is_loopback(address):
        raise NodeNameError(
            "this machine has no address in a network. Name the node by the one it is to be reached under, "
            "as in alice@192.168.1.5"
        )
    return address
