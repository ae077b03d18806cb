"""Whether a node has done with all others, and wants to hear of none; asked in that node."""

from __future__ import annotations

from pyex import Global, Node, pg
from pyex.distribution import node
from pyex.distribution.on_loop import call


def is_idle() -> bool:
    """Whether it has no connection, and none is on its way: for what was sent when the last was cut, for one."""
    # Its services, which send when a node comes: by their answers they have dealt with what they have heard before.
    pg.leave("no group", [])
    Global.del_lock("no lock", [Node.self()])
    return bool(call(_is_idle))


async def _is_idle() -> bool:
    """On the loop, so that whoever was told that a node is lost has been told by the answer."""
    mesh = node._current.mesh
    assert mesh is not None
    assert mesh._listener is not None
    return not (mesh.connections or mesh._dials or mesh._tasks or mesh.courier._waiting or mesh._listener._tasks)
