"""What another node can take of objects and code, and what becomes of a signal that holds more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyex.core.errors import NotSendable
from pyex.distribution.handshake import NO_CODE, Peer, python_version

if TYPE_CHECKING:
    from pyex.distribution.outgoing import Outgoing


class Accepting:
    """Whether objects and functions of other nodes are taken; set by ``Node.start(code=...)``."""

    code = True


def fitted(signal: Outgoing, peer: Peer) -> Outgoing:
    """A signal that holds objects, as the peer can take it; raises ``NotSendable`` that says why it cannot."""
    if NO_CODE in peer.capabilities:
        if signal.has_reason:  # a process ends whatever its reason: it goes as a description
            return signal.described()
        raise _refusal(
            peer,
            f"{peer.name} takes no code from other nodes, nor objects, whose arrival runs code: it was started so. Send it "
            "numbers, strings, tuples, lists, dicts and pids, or start it without --no-code",
        )
    here = python_version()
    if not signal.has_code or peer.python == here:
        return signal
    try:
        return signal.portable()
    except NotSendable as error:
        if signal.has_reason:
            return signal.described()
        raise _refusal(
            peer,
            f"code cannot be sent to {peer.name}: it runs Python {peer.python} and this node {here}, whose bytecode differs, "
            f"and {error}. Use functions of a module that both have",
        ) from None


def _refusal(peer: Peer, why: str) -> NotSendable:
    error = NotSendable(why)
    error.node = peer.name
    return error
