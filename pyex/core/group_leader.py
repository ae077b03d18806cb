"""Group leaders: the process that what others print goes to, as messages of Erlang's I/O protocol.

``("io_request", sender, ref, ("put_chars", text))`` asks it to write and, when there is a ref, to answer
the sender ``("io_reply", ref, "ok")``. ``put_error`` is the same for standard error. A process inherits the leader
of the one that spawned it, also on another node; so what a remote process prints appears where it was spawned
from. A leader that is gone loses the text and harms nobody.

``("io_request", sender, alias, ("get_line", prompt))`` asks it for a line of input. The answer goes to the alias, and so
only to who still waits: ``("io_reply", alias, line)``, the line with its newline, ``"eof"`` in its place at the end of the
input, or ``("error", reason)``. ``("forget_line", alias)`` takes such a question back; the end of the sender does too.
"""

from __future__ import annotations

from typing import Any, Final

from pyex.core.ids import Pid, Ref
from pyex.core.process import ControlBlock
from pyex.core.signals import SEND, signal

OUT: Final = "put_chars"
ERR: Final = "put_error"


class _ErrorText(str):
    """Begun text of standard error; that of standard output is a plain string."""

    __slots__ = ()


def write(process: ControlBlock, leader: Pid, text: str, stream: str = OUT) -> None:
    """Print in a process: whole lines go to the leader, the rest waits for its end of line."""
    relations = process.relations
    if relations is not None and relations.text:
        if _stream_of(relations.text) != stream:
            flush(process)
        text, relations.text = relations.text + text, ""
    end_of_line = text.rfind("\n") + 1
    if end_of_line < len(text):
        rest = text[end_of_line:]
        process.relate().text = rest if stream == OUT else _ErrorText(rest)
    if end_of_line:
        put(leader, text[:end_of_line], process.pid, stream=stream)
        process.relate().puts += 1


def flush(process: ControlBlock) -> None:
    """Send on the text that has no end of line yet."""
    relations = process.relations
    if relations is not None and relations.text and process.leader is not None:
        text, relations.text = relations.text, ""
        put(process.leader, str(text), process.pid, stream=_stream_of(text))


def begun_line(process: ControlBlock) -> str:
    """Take the text of standard output that has no end of line yet, to be shown as part of a question."""
    relations = process.relations
    if relations is None or _stream_of(relations.text) != OUT:
        flush(process)
        return ""
    text, relations.text = relations.text, ""
    return text


def put(leader: Pid, text: str, sender: Pid | None = None, ref: Ref | None = None, *, stream: str = OUT) -> None:
    """Ask a group leader to write text, and to answer if there is a ref."""
    request(leader, sender, ref, (stream, text))


def request(leader: Pid, sender: Pid | None, ref: Ref | None, what: tuple[Any, ...]) -> None:
    """Ask a group leader for something."""
    signal(leader, SEND, ("io_request", sender, ref, what))


def _stream_of(text: str) -> str:
    return ERR if type(text) is _ErrorText else OUT
