"""The cookie of a running node, and those for single other nodes: asked for, and changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyex.core.errors import NodeNameError
from pyex.distribution.cookie import find_cookie
from pyex.distribution.names import full_name

if TYPE_CHECKING:
    from pyex.distribution.mesh import Mesh


def of_node(mesh: Mesh, node: str | None, cookie: str | None) -> str:
    """``Node.cookie``."""
    full = None if node is None else _known(mesh, node) if cookie is None else full_name(node)
    if cookie is not None:
        secret = find_cookie(cookie)
        if full is not None:
            mesh.own.cookies[full] = secret
        else:
            mesh.own = replace(mesh.own, cookie=secret)
    own = mesh.own
    return (own.cookie_for(full) if full is not None else own.cookie).decode("utf-8", "surrogateescape")


def _known(mesh: Mesh, node: str) -> str:
    """The full name of a node whose cookie is asked for. What may be a secret, meant to be set, is not repeated."""
    if not isinstance(node, str) or "@" in node:
        return full_name(node)
    try:
        full = full_name(node)
    except NodeNameError:
        full = None
    if full is None or not (full == mesh.own.name or full in mesh.own.cookies or full in mesh.connections):
        raise NodeNameError(
            "Node.cookie(node) tells the cookie for a node, and no node of that name is known here. To change this node's "
            'cookie write Node.cookie(cookie="..."), and for one other node Node.cookie("bob@127.0.0.1", cookie="...")'
        )
    return full
