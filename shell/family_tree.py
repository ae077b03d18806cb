"""Who started whom, and who is linked to whom, as a drawing.

Children are those that a process has started, and those a supervisor tells of. A link to a process from elsewhere in the
drawing is a dashed branch, or, when that one stands there already, a note.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pyex
from pyex import ANY, Down, Pid, Process, Ref, Supervisor, receive, send
from shell.survey import initial_call, short

#: Seconds that a supervisor gets to tell of its children; one that is busy is asked in vain.
ASKED: Final = 1.0

#: Processes that are drawn.
MOST: Final = 500

#: Branches, the last of its siblings, what goes on below either, and the same for links; in Unicode, else in ASCII.
_FINE: Final = ("├─ ", "└─ ", "│  ", "   ", "├┄ ", "└┄ ")
_PLAIN: Final = ("|- ", "`- ", "|  ", "   ", "|~ ", "`~ ")


class Member(NamedTuple):
    """A process of the drawing."""

    pid: Pid
    #: its name and what it runs
    text: str
    parent: Pid | None
    links: tuple[Pid, ...]
    #: those that a supervisor tells of: their ids, and a pid or the word for why there is none
    children: tuple[tuple[Any, Any], ...]


def gather() -> list[Member]:
    """On a node: all its processes."""
    found = []
    for pid in Process.list():
        info = Process.info(pid)
        if info is not None:
            found.append(Member(pid, _text(info), info.parent, tuple(sorted(info.links)), _children(info)))
    return found


def _text(info: pyex.ProcessInfo) -> str:
    runs = short(initial_call(info)) or "a thread"
    return f"{info.registered_name!r} {runs}" if info.registered_name is not None else runs


def _children(info: pyex.ProcessInfo) -> tuple[tuple[Any, Any], ...]:
    match info.dictionary.get("$initial_call"):
        case ("supervisor", _):
            return _told(info.pid)
    return ()


def _told(supervisor: Pid) -> tuple[tuple[Any, Any], ...]:
    """What a supervisor tells of its children; nothing, if it is busy, or has just ended."""
    alias = Process.alias(reply=True)
    asker, watch = pyex.spawn_monitor(_ask, supervisor, alias)
    try:
        answer = receive((alias, ANY), Down(watch), timeout=ASKED, default=None)
    finally:
        Process.unalias(alias)
        Process.demonitor(watch, flush=True)
        Process.exit(asker, "shutdown")
        receive((alias, ANY), timeout=0, default=None)
    return answer[1] if answer is not None and answer[0] == alias else ()


def _ask(supervisor: Pid, alias: Ref) -> None:
    try:
        told = Supervisor.which_children(supervisor)
    except Exception:  # it has just ended
        told = []
    send(alias, (alias, tuple((child.id, child.pid) for child in told)))


class _Drawing:
    """Draws each process once."""

    def __init__(self, members: list[Member], *, fine: bool) -> None:
        self.lines: list[str] = []
        self._members = {member.pid: member for member in members}
        #: the node that was asked, here or elsewhere
        self._node = members[0].pid.node if members else None
        self._marks = _FINE if fine else _PLAIN
        self._drawn: set[Pid] = set()
        self._started: dict[Pid, list[Pid]] = {}
        for member in members:
            if member.parent is not None:
                self._started.setdefault(member.parent, []).append(member.pid)

    def draw(self, pid: Pid) -> None:
        """Draw a process as a root, unless it is drawn already."""
        if pid not in self._drawn:
            self._draw(pid, "", "", None, "")

    def _draw(self, pid: Pid, branch: str, below: str, above: Pid | None, child_id: str) -> None:
        self._drawn.add(pid)
        member = self._members.get(pid)
        if member is None:
            elsewhere = type(pid.key) is not int and pid.node != self._node
            self.lines.append(f"{branch}{pid!r}{child_id}  ({'of another node' if elsewhere else 'not alive'})")
            return
        told = [
            (child, f"  {name!r}" if name is not None else "")
            for name, child in member.children
            if isinstance(child, Pid)
        ]
        known = {child for child, _ in told}
        started = [(child, "") for child in self._started.get(pid, ()) if child not in known]
        family = [(child, text) for child, text in told + started if child not in self._drawn]
        self._drawn.update(child for child, _ in family)
        linked = [peer for peer in member.links if peer not in self._drawn and peer != above]
        self._drawn.update(linked)
        near = {above, pid, *known, *(child for child, _ in started), *linked}
        noted = [repr(peer) for peer in member.links if peer not in near]
        note = f"  (linked to {', '.join(noted[:5])}{', ...' * (len(noted) > 5)})" if noted else ""
        self.lines.append(f"{branch}{pid!r}{child_id}  {member.text}{note}")
        missing = [
            f"{name!r} ({state or 'not running'})" for name, state in member.children if not isinstance(state, Pid)
        ]
        branches: list[tuple[Any, str, bool]] = [(child, text, False) for child, text in family]
        branches += [(peer, "", True) for peer in linked] + [(text, "", False) for text in missing]
        for number, (child, text, dashed) in enumerate(branches):
            last = number == len(branches) - 1
            own = below + self._marks[(4 if dashed else 0) + last]
            if isinstance(child, Pid):
                self._draw(child, own, below + self._marks[2 + last], pid, text)
            else:
                self.lines.append(own + child)

    def roots(self) -> list[Pid]:
        """Those that nobody who lives has started."""
        return [pid for pid, member in self._members.items() if member.parent not in self._members]


def draw(members: list[Member], root: Pid | None, *, fine: bool) -> str:
    """The drawing of what hangs together with ``root``, or of all."""
    drawing = _Drawing(members, fine=fine)
    for pid in drawing.roots() if root is None else [root]:
        drawing.draw(pid)
    lines = drawing.lines
    if len(lines) > MOST:
        lines = [*lines[:MOST], f"... and {len(lines) - MOST:,} more"]
    return "\n".join(lines)
