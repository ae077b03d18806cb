"""What is pasted: as code, without the prompts and the output that surrounded it where it was copied."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Final

_PROMPT: Final = re.compile(r"[ \t]*(?:pyex(?:\([^)\n]*\))?\d*>|>>>|In \[\d+\]:)(?: |$)")
_CONTINUED: Final = re.compile(r"[ \t]*(?:\.\.\.|\.{3,}:)(?: |$)")

#: In lessons and documentation the code stands below the code: ``...`` is as wide as ``pyex>``.
_PLAIN: Final = "pyex> "
_BELOW: Final = "...   "


def is_session(text: str) -> bool:
    """Whether this was copied from a shell: its first line begins with a prompt."""
    return _PROMPT.match(text.lstrip("\r\n")) is not None


def code_of(text: str) -> str:
    """The code in a pasted text: of a session its inputs alone, of an indented piece that piece at the margin."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not is_session(text):
        return textwrap.dedent(text) if text[:1] in (" ", "\t") else text
    kept: list[str] = []
    inside = plain = False
    for line in text.split("\n"):
        found = _PROMPT.match(line)
        if found is not None:
            plain = line.startswith(_PLAIN)
        elif inside:
            found = _CONTINUED.match(line)
        inside = found is not None
        if found is not None:
            below = plain and line.startswith(_BELOW)
            kept.append(line[len(_BELOW) if below else found.end() :])
    return "\n".join(kept).strip("\n")


def inputs(text: str) -> list[str]:
    """The inputs of a session, one for each statement, in their order; the whole text, if it cannot be parsed."""
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [text]
    lines = text.split("\n")
    parts = []
    begin = 0
    for number, statement in enumerate(statements):
        following = statements[number + 1] if number + 1 < len(statements) else None
        if following is not None and following.lineno == statement.end_lineno:
            continue  # a; b
        assert statement.end_lineno is not None
        end = statement.end_lineno if following is not None else len(lines)
        part = "\n".join(lines[begin:end]).strip("\n")
        parts.append(part)
        begin = end
    return parts or [text]
