"""Names of nodes: ``name@host``."""

from __future__ import annotations

import ipaddress
import re

from pyex.core.errors import NodeNameError

LOOPBACK = "127.0.0.1"

_SHORT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}")


def full_name(text: str) -> str:
    """``name@host`` for what a user gave: ``bob`` means ``bob@127.0.0.1``.

    Raises ``NodeNameError`` (a ``ValueError``) that says what a name looks like.
    """
    if not isinstance(text, str):
        raise NodeNameError(f"a node's name is a str such as 'bob@127.0.0.1', not {text!r}")
    short, at, host = text.partition("@")
    if not at:
        host = LOOPBACK
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
