"""Completions inside strings, and of what would be a string: keys, names, nodes, pids, messages, paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from shell import messages
from shell.candidates import LIMIT, Candidate, Context, Found, call_at, keys_of, pick
from shell.static import UNKNOWN, is_a, lookup
from shell.tokens import Token
from shell.values import Value, evaluate

#: Which argument of what is a node, a registered name, a pid, a message, a path.
_NODES: Final = {
    "Node.connect": 0, "Node.disconnect": 0, "Node.ping": 0, "Node.monitor": 0, "Node.spawn": 0, "Node.spawn_link": 0,
    "Node.spawn_monitor": 0, "Pid": 1, "erpc.call": 0, "remote": 0, "connect": 0,
}  # fmt: skip
_NAMES: Final = {
    "send": 0, "Process.whereis": 0, "Process.unregister": 0, "Process.monitor": 0, "Process.send_after": 0, "GenServer.call": 0,
    "GenServer.cast": 0, "GenServer.stop": 0, "GenServer.get_state": 0, "GenServer.replace_state": 0, "Agent.get": 0,
    "Agent.update": 0, "Agent.get_and_update": 0, "Supervisor.which_children": 0, "Supervisor.count_children": 0, "i": 0,
    "process_info": 0, "tree": 0, "bt": 0, "trace": 0,
}  # fmt: skip
_MESSAGES: Final = {"send": "send", "Process.send_after": "send", "GenServer.call": "call", "GenServer.cast": "cast"}
_PATHS: Final = {"open", "Path", "pathlib.Path", "cd", "ls", "load", "os.listdir", "os.chdir", "save"}

#: Entries of a folder that are looked at.
_ENTRIES: Final = 5000


class _Place(NamedTuple):
    """Where a string stands: in which argument of which call, and at which place of a tuple there."""

    function: str
    argument: int
    in_tuple: int | None


def in_string(context: Context, token: Token) -> Found:
    """The completions of a string that is begun."""
    if "b" in token.prefix:
        return Found()
    end = len(context.tokens) - 1
    before = context.tokens[end - 1] if end else None
    content = token.content
    if before is not None and before.text == "[":
        keys = [key for key, _ in keys_of(_subscripted(context, end - 1)) if type(key) is str]
        return _pick(token, [Candidate(key) for key in keys])
    place = _place(context, end)
    if place is not None:
        found = [*_texts(context, place, end)]
        if found:
            return _pick(token, found)
    if (place is not None and place.function in _PATHS) or re.match(r"(~|\.{0,2}/|\w[\w.-]*/)", content):
        return _paths(content)
    return Found()


def bare(context: Context, end: int) -> Iterator[Candidate]:
    """The strings, and messages, that could begin where nothing is typed yet."""
    tokens = context.tokens
    if end and tokens[end - 1].text == "[":
        for _, text in keys_of(_subscripted(context, end - 1)):
            yield Candidate(text)
        return
    place = _place(context, end)
    if place is None or place.in_tuple is not None or tokens[end - 1].text not in ("(", ","):
        return
    if place.argument == 1 and place.function in _MESSAGES:
        for message in _handled(context, place, end):
            yield Candidate(message.begin, "message", message.pattern)
        return
    for one in _texts(context, place, end):
        yield Candidate(f'"{one.text}"', one.note)


def _pick(token: Token, candidates: list[Candidate]) -> Found:
    """Those that can be written between the quotes as they are."""
    plain = [
        one for one in candidates if one.text.isprintable() and "\\" not in one.text and token.quote[0] not in one.text
    ]
    return pick(token.content, plain, offered=True)


def _subscripted(context: Context, bracket: int) -> Value | None:
    start = context.tokens.operand_start(bracket - 1) if bracket else None
    if start is None:
        return None
    tokens = context.tokens
    return evaluate(context.before[tokens[start].start : tokens[bracket].start], context.names)


def _place(context: Context, end: int) -> _Place | None:
    tokens = context.tokens
    call = call_at(context, end)
    if call is not None:
        return _Place(call[0], call[1], None)
    brackets = [place for place in tokens.brackets if place < end]
    if len(brackets) < 2 or tokens[brackets[-1]].text != "(":
        return None
    call = call_at(context, brackets[-1])
    if call is None:
        return None
    inside = sum(tokens[place].text == "," for place in range(brackets[-1], end))
    return _Place(call[0], call[1], inside)


def _texts(context: Context, place: _Place, end: int) -> Iterator[Candidate]:
    function, argument, in_tuple = place
    around = context.around
    if argument == 1 and function in _MESSAGES:
        for message in _handled(context, place, end):
            tag = re.match(r'\("([^"]*)"' if in_tuple == 0 else r'"([^"]*)"$', message.begin)
            if tag is not None and in_tuple in (None, 0):
                yield Candidate(tag[1], "message", message.pattern)
    elif _NAMES.get(function) == argument and in_tuple in (None, 0):
        for name in around.registered():
            yield Candidate(name, "process")
    elif (_NODES.get(function) == argument and in_tuple is None) or (
        _NAMES.get(function) == argument and in_tuple == 1
    ):
        for node in around.nodes():
            yield Candidate(node, "node")
    elif function == "Pid" and argument == 0:
        for pid in around.pids()[:LIMIT]:
            yield Candidate(repr(pid).split("'")[1], "process")


def _handled(context: Context, place: _Place, end: int) -> list[messages.Message]:
    """The messages that the receiver of this call handles; of an unknown one, those that all servers at hand do."""
    tokens = context.tokens
    opener = [one for one in tokens.brackets if one < end][-1 if place.in_tuple is None else -2]
    comma = next(
        (one for one in range(opener + 1, end) if tokens[one].text == "," and _opener_of(context, one) == opener), end
    )
    if comma == end:
        return []
    kind = _MESSAGES[place.function]
    target = evaluate(context.before[tokens[opener].end : tokens[comma].start], context.names)
    code = None
    if target is not None and not target.is_instance:
        code = context.around.code_of(target.obj, context.names)
    told = messages.handled(code, kind)
    if told or (code is not None and not is_a(code, type)):
        return told
    found: dict[str, messages.Message] = {}
    for one in context.names.values():
        if is_a(one, type) and lookup(one, messages.CALLBACKS[kind]) is not UNKNOWN:
            found.update({message.pattern: message for message in messages.handled(one, kind)})
    return [*found.values()]


def _opener_of(context: Context, place: int) -> int:
    """The innermost bracket around a token."""
    depth = 0
    for index in range(place - 1, -1, -1):
        if index in context.tokens.opener:
            depth += 1
        elif context.tokens[index].kind == "op" and context.tokens[index].text in "([{":
            if depth == 0:
                return index
            depth -= 1
    return -1


def _paths(content: str) -> Found:
    folder, slash, begun = content.rpartition("/")
    try:
        with os.scandir(Path(folder + slash or ".").expanduser()) as entries:
            names = sorted(one.name + ("/" if one.is_dir() else "") for one in islice(entries, _ENTRIES))
    except (OSError, ValueError, RuntimeError):
        return Found()
    shown = [Candidate(name) for name in names if begun.startswith(".") or not name.startswith(".")]
    fitting = [one for one in shown if one.text.startswith(begun)][:LIMIT]
    if [one.text for one in fitting] == [begun]:
        fitting = []
    return Found(len(begun), tuple(fitting), offered=True)
