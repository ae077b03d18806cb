"""The handshake: two nodes prove to each other that they know the cookie, which never travels.

The dialling node says hello, the other answers with its hello; then the dialling one proves, then the
other. Each proof is an HMAC-SHA256 with the cookie over the role and both hellos whole: names, nonces,
creations, versions, capabilities and the address dialled; and, where the line is encrypted, over the certificates of its
two ends. So a proof is good for this connection, this direction and this pair only, and whatever somebody in between
alters or takes away is noticed. Nothing is unpickled and no frame is long before both have proved.

Frames (msgpack after a magic):
    hello     (version, name, creation, nonce, python, capabilities, dialled host, dialled port, name dialled)
    answer    ("ok", version, name, creation, nonce, python, capabilities)  or  ("no", code, text)
    proof     the HMAC; the last one may be ("no", code, text) instead
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import platform
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgpack

from pyex.distribution.channel import Channel
from pyex.distribution.tls import Certificates

MAGIC: Final = b"PYEX"
VERSION: Final = 1

#: Seconds the whole of it may take, as OTP's ``net_setuptime``.
PATIENCE: Final = 7.0

#: Seconds of silence after which a node is taken for dead: usually, and the bounds.
NET_TICKTIME: Final = 60.0
SHORTEST_TICKTIME: Final = 0.1
LONGEST_TICKTIME: Final = 86400.0

#: Capabilities.
HIDDEN: Final = "hidden"
NO_CODE: Final = "no code"
PARTITIONS: Final = "prevent_overlapping_partitions"
TICKTIME: Final = "net_ticktime="

_CONTROL: Final = dict.fromkeys((*range(32), *range(127, 160)))


@dataclass(frozen=True)
class Peer:
    """What a handshake tells of a node."""

    name: str
    creation: int
    python: str
    capabilities: tuple[str, ...] = ()
    #: the number of the connection, which is this one's alone and the same on both sides
    session: int = 0

    @property
    def hidden(self) -> bool:
        """Whether it is no member of the mesh, but a guest of some of its nodes."""
        return HIDDEN in self.capabilities

    @property
    def prevents_overlapping_partitions(self) -> bool:
        """Whether it does so with the others; a hidden one is no part of any."""
        return PARTITIONS in self.capabilities and not self.hidden

    @property
    def net_ticktime(self) -> float:
        """The seconds of silence after which it takes a node for dead."""
        for capability in self.capabilities:
            if capability.startswith(TICKTIME):
                try:
                    seconds = float(capability.removeprefix(TICKTIME))
                except ValueError:
                    break
                if SHORTEST_TICKTIME <= seconds <= LONGEST_TICKTIME:
                    return seconds
        return NET_TICKTIME


@dataclass(frozen=True)
class Own:
    """What this node says of itself."""

    name: str
    creation: int
    cookie: bytes = field(repr=False)
    hidden: bool = False
    net_ticktime: float = NET_TICKTIME
    #: for encrypted connections; without, they are plain
    certificates: Certificates | None = field(default=None, repr=False)
    #: it takes code from others
    code: bool = True
    #: it disconnects from nodes that have lost each other, and tells when it has lost one
    prevent_overlapping_partitions: bool = True
    #: those of single nodes
    cookies: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What is said of it beside its name, in words that an older node may pass over."""
        said = [f"{TICKTIME}{self.net_ticktime:g}"]
        said += [HIDDEN] if self.hidden else []
        said += [] if self.code else [NO_CODE]
        said += [PARTITIONS] if self.prevent_overlapping_partitions else []
        return tuple(said)

    def cookie_for(self, node: str) -> bytes:
        """The secret shared with a node."""
        return self.cookies.get(node, self.cookie)


class RefusedError(Exception):
    """The handshake failed: ``code`` for programs, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def python_version() -> str:
    """The version that bytecode depends on."""
    return ".".join(platform.python_version_tuple()[:2])


async def dial(
    channel: Channel, own: Own, target: str, address: tuple[str, int], arrived: Callable[[int], bool]
) -> Peer:
    """The dialling side, on a fresh channel; raises ``RefusedError``, ``OSError``.

    When both dial at once the other node, of that creation, may have ``arrived`` meanwhile. Then this dial is given up:
    before its proof, for that says that the caller has no connection, and ends the one that the other has; and after it too.
    """
    hello = _pack((VERSION, *_self(own), *address, target))
    channel.write(hello)
    answer = await channel.read()
    match _unpack(answer):
        case ("no", str(code), str(text)):
            raise RefusedError(code, clean(text))
        case ("ok", int(version), *_) if version != VERSION:
            raise RefusedError("version", f"it speaks version {version} of the protocol, not {VERSION}")
        case ("ok", int(), str(name), int(creation), bytes(nonce), str(python), tuple(capabilities)) if (
            len(nonce) == 32
        ):
            pass
        case _:
            raise RefusedError("malformed", "its answer is malformed")
    if name != target:
        raise RefusedError("name", f"the node there calls itself {clean(name)!r}")
    if arrived(creation):
        raise RefusedError("simultaneous", "it has connected meanwhile")
    channel.write(MAGIC + _proof(own.cookie_for(name), b"dials", hello, answer, channel.binding))
    reply = await channel.read()
    expected = MAGIC + _proof(own.cookie_for(name), b"is dialled", hello, answer, channel.binding)
    if not hmac.compare_digest(reply, expected):
        refusal = RefusedError("cookie", "it does not know this node's cookie")
        with contextlib.suppress(RefusedError):  # what cannot be read is no proof either
            match _unpack(reply):
                case ("no", str(code), str(text)):
                    refusal = RefusedError(code, clean(text))
        raise refusal
    if arrived(creation):
        raise RefusedError("simultaneous", "it has connected meanwhile")
    return Peer(name, creation, python, tuple(map(str, capabilities)), _session(hello, answer))


async def receive_hello(channel: Channel, own: Own, port: int) -> tuple[Peer, bytes]:
    """The dialled side, first half: who calls, as it claims; raises ``RefusedError``."""
    hello = await channel.read()
    match _unpack(hello):
        case (int(version), *_) if version != VERSION:
            raise RefusedError(
                "version", f"it speaks version {VERSION} of the protocol, not {version}. Install the same pyex on both"
            )
        case (
            int(), str(name), int(creation), bytes(nonce), str(python), tuple(capabilities),
            str(host), int(dialled), str(target),
        ) if len(nonce) == 32 and len(name) <= 256:  # fmt: skip
            pass
        case _:
            raise RefusedError("malformed", "the hello is malformed")
    if target != own.name:
        raise RefusedError("name", f"this is {own.name}, not {clean(target)}")
    here, _ = channel.address("sockname")
    if dialled != port or host not in (here, own.name.partition("@")[2]):
        raise RefusedError("address", f"it was dialled at {clean(host)}:{dialled}, which is not its address")
    return Peer(name, creation, python, tuple(map(str, capabilities))), hello


async def answer_hello(channel: Channel, own: Own, peer: Peer, hello: bytes) -> bytes:
    """The dialled side, second half: the answer given, when the caller has proved itself; or ``RefusedError``."""
    answer = _pack(("ok", VERSION, *_self(own)))
    channel.write(answer)
    proof = await channel.read()
    expected = MAGIC + _proof(own.cookie_for(peer.name), b"dials", hello, answer, channel.binding)
    if not hmac.compare_digest(proof, expected):
        raise RefusedError("cookie", "its cookie is another one. Start both nodes with the same cookie")
    return answer


def confirm(channel: Channel, own: Own, peer: Peer, hello: bytes, answer: bytes) -> Peer:
    """The dialled side, the end: prove itself to the caller. From now on both are connected."""
    channel.write(MAGIC + _proof(own.cookie_for(peer.name), b"is dialled", hello, answer, channel.binding))
    return replace(peer, session=_session(hello, answer))


def refuse(channel: Channel, refusal: RefusedError) -> None:
    """Say why, and close."""
    channel.write(_pack(("no", refusal.code, str(refusal))))
    channel.close()


def _self(own: Own) -> tuple[Any, ...]:
    return own.name, own.creation, secrets.token_bytes(32), python_version(), own.capabilities


def _proof(cookie: bytes, role: bytes, hello: bytes, answer: bytes, binding: bytes = b"") -> bytes:
    transcript = b"".join(hashlib.sha256(part).digest() for part in (role + binding, hello, answer))
    return hmac.digest(cookie, transcript, "sha256")


def _session(hello: bytes, answer: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"session" + hello + answer).digest()[:7], "big")


def _pack(fields: tuple[Any, ...]) -> bytes:
    return MAGIC + msgpack.packb(fields)  # type: ignore[no-any-return]


def _unpack(frame: bytes) -> Any:
    if not frame.startswith(MAGIC):
        raise RefusedError("malformed", "it does not speak pyex's protocol")
    try:
        return msgpack.unpackb(frame[len(MAGIC) :], use_list=False)
    except Exception as error:  # msgpack's own, ValueError, RecursionError ...: all mean the same here
        raise RefusedError("malformed", "what it sent is malformed") from error


def clean(text: str) -> str:
    """Text of an unproven stranger, for a terminal."""
    return text.translate(_CONTROL)[:200]
