"""Group leaders: the process that what others print goes to, as messages of Erlang's I/O protocol.

``("io_request", sender, ref, ("put_chars", text))`` asks it to write and, when there is a ref, to answer
the sender ``("io_reply", ref, "ok")``. A process inherits the leader of the one that spawned it, also on another
node; so what a remote process prints appears where it was spawned from. A leader that is gone loses the
text and harms nobody.
"""

from __future__ import annotations

from typing import Any

from pyex.core.ids import Pid, Ref
from pyex.core.process import ControlBlock
from pyex.core.signals import SEND, signal


def write(process: ControlBlock, leader: Pid, text: str) -> None:
    """Print in a process: whole lines go to the leader, the rest waits for its end of line."""
    relations = process.relations
    if relations is not None and relations.text:
        text, relations.text = relations.text + text, ""
    end_of_line = text.rfind("\n") + 1
    if end_of_line < len(text):
        process.relate().text = text[end_of_line:]
    if end_of_line:
        put_chars(leader, text[:end_of_line], process.pid)
        process.relate().puts += 1


def flush(process: ControlBlock) -> None:
    """Send on the text that has no end of line yet."""
    relations = process.relations
    if relations is not None and relations.text and process.leader is not None:
        text, relations.text = relations.text, ""
        put_chars(process.leader, text, process.pid)


def put_chars(leader: Pid, text: str, sender: Pid | None = None, ref: Ref | None = None) -> None:
    """Ask a group leader to write text, and to answer if there is a ref."""
    request: tuple[Any, ...] = ("io_request", sender, ref, ("put_chars", text))
    signal(leader, SEND, request)
