"""The text of lessons, Markdown, as it stands in a terminal: wrapped, beside a bar that tells it from output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

#: Columns of the widest line, and of the narrowest that a terminal is taken to have.
WIDEST: Final = 80
NARROWEST: Final = 24

_BOLD: Final = "\x1b[1m"
_CODE: Final = "\x1b[36m"
_BAR: Final = "\x1b[2m"
_PLAIN: Final = "\x1b[0m"

#: What would steer the terminal.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

#: Marks in the place of escapes, while lines are measured, and their pattern.
_MARKS: Final = {"\x01": _BOLD, "\x02": _CODE, "\x03": _PLAIN}
_MARK: Final = re.compile("[\x01\x02\x03]")

_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKED: Final = re.compile(r"(`+)(.+?)\1|\*\*(.+?)\*\*", re.DOTALL)
_ITEM: Final = re.compile(r"([-*+]|\d+[.)]) +")
_HEADING: Final = re.compile(r"#+ +")

#: Lines that stay as they are: quotations of code, tables.
_AS_IT_IS: Final = ("    ", "\t", "|")


def rendered(markdown: str, *, width: int | None = None, colour: bool = False, fine: bool = False) -> str:
    """The lines for a terminal of that width, each with a bar at its left; ``fine`` ones can be drawn with lines."""
    columns = max(min(width or WIDEST, WIDEST), NARROWEST) - 2
    bar = "│" if fine else "|"
    if colour:
        bar = f"{_BAR}{bar}{_PLAIN}"
    lines: list[str] = []
    in_list = False
    for block in _blocks(_COMMENT.sub("", _CONTROL.sub("", markdown))):
        is_item = _ITEM.match(block[0]) is not None
        if lines and not (in_list and is_item):
            lines.append("")
        in_list = is_item
        lines += _block(block, columns, colour=colour)
    return "".join(f"{bar} {line}".rstrip() + "\n" for line in lines)


def _blocks(markdown: str) -> Iterator[list[str]]:
    """What stands between empty lines; a fenced block is one, whatever is in it."""
    block: list[str] = []
    fence = ""
    for line in [*markdown.splitlines(), ""]:
        if fence:
            if line.strip() == fence:
                yield block
                block, fence = [], ""
            else:
                block.append(f"    {line}")
            continue
        found = re.match(r"`{3,}|~{3,}", line)
        begins_item = _ITEM.match(line) is not None and bool(block)
        if (found or begins_item or _HEADING.match(line) or not line.strip()) and block:
            yield block
            block = []
        if found:
            fence = found[0]
        elif line.strip():
            block.append(line)


def _block(block: list[str], columns: int, *, colour: bool) -> list[str]:
    if block[0].startswith(_AS_IT_IS):
        return block
    text = _LINK.sub(r"\1", " ".join(line.strip() for line in block))
    if heading := _HEADING.match(text):
        title = _MARKED.sub(lambda found: found[2] or found[3], text[heading.end() :])
        return [f"{_BOLD}{title}{_PLAIN}"] if colour else [title, "-" * min(len(title), columns)]
    item = _ITEM.match(text)
    indent = " " * item.end() if item else ""
    return [_escaped(line) for line in _wrapped(_marked(text, colour=colour), columns, indent)]


def _marked(text: str, *, colour: bool) -> str:
    """Code and what is strong between marks; without colours code keeps its own, which tell where it ends."""

    def shown(found: re.Match[str]) -> str:
        inside = found[2] or found[3]
        if not colour:
            return found[0] if found[2] else inside
        begin = "\x02" if found[2] else "\x01"
        # Each word by itself, so that lines may be broken between them.
        return " ".join(f"{begin}{word}\x03" for word in inside.split(" "))

    return _MARKED.sub(shown, text)


def _wrapped(text: str, columns: int, indent: str) -> list[str]:
    """Lines of so many columns, in which marks take none; a word that is longer has a line of its own."""
    lines: list[str] = []
    line, length = "", 0
    for word in text.split():
        size = len(_MARK.sub("", word))
        if line and length + 1 + size > columns:
            lines.append(line)
            line, length = indent + word, len(indent) + size
        else:
            line, length = (f"{line} {word}", length + 1 + size) if line else (word, size)
    return [*lines, line]


def _escaped(line: str) -> str:
    return _MARK.sub(lambda found: _MARKS[found[0]], line)
