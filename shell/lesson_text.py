"""The text of lessons, Markdown, as it stands in a terminal: wrapped, beside a bar that tells it from output."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Final

#: Columns of the widest line, and of the narrowest that a terminal is taken to have.
WIDEST: Final = 80
NARROWEST: Final = 24

_BOLD: Final = "\x1b[1m"
_CODE: Final = "\x1b[36m"
_BAR: Final = "\x1b[2m"
_PLAIN: Final = "\x1b[0m"

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
    for block in _blocks(_COMMENT.sub("", markdown)):
        if lines:
            lines.append("")
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
        title = text[heading.end() :]
        return [f"{_BOLD}{title}{_PLAIN}"] if colour else [title, "-" * min(len(title), columns)]
    item = _ITEM.match(text)
    indent = " " * item.end() if item else ""
    lines = textwrap.wrap(text, columns, subsequent_indent=indent, break_on_hyphens=False)
    return _marked("\n".join(lines), colour=colour).split("\n")


def _marked(text: str, *, colour: bool) -> str:
    """Code and what is strong in colours; without them code keeps its marks, which tell where it ends."""

    def shown(found: re.Match[str]) -> str:
        inside = found[2] or found[3]
        if not colour:
            return found[0] if found[2] else inside
        begin = _CODE if found[2] else _BOLD
        return begin + inside.replace("\n", f"{_PLAIN}\n{begin}") + _PLAIN

    return _MARKED.sub(shown, text)
