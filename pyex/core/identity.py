"""Who this node is, and which incarnation of each other node is known.

Identifiers need it to print and parse themselves. The distribution writes it, the core only reads it.
"""

from __future__ import annotations

from typing import Final

#: The host of a node whose name is given without one.
LOOPBACK: Final = "127.0.0.1"


class Identity:
    """The name and the incarnation ("creation") of this node; no name while it is not distributed."""

    __slots__ = ("creation", "creations", "name")

    def __init__(self) -> None:
        self.name: str | None = None
        self.creation = 0
        #: node name -> creation of the incarnation last connected to
        self.creations: dict[str, int] = {}


identity = Identity()


def complete(node: str) -> str:
    """The name of a node with its host: ``bob`` means ``bob@127.0.0.1``, wherever a node is named."""
    return node if "@" in node else f"{node}@{LOOPBACK}"
