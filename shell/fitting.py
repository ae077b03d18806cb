"""Text for the width of a terminal: prose goes over more lines, what stands in columns or branches is cut."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import Final

#: Columns below which nothing is made to fit any more.
NARROWEST: Final = 20

#: Lines of a docstring that stay as they are: examples, lists, tables.
_AS_IT_IS: Final = re.compile(r"\s|>>>|\.\.\.|- |\* |=+( |$)|-+( |$)|\|")


def cut(text: str, width: int | None) -> str:
    """The text, or what of it fits and a mark that there is more; of several lines each."""
    if width is None:
        return text
    return "\n".join(_cut(line, max(width, 2)) for line in text.split("\n"))


def _cut(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    more = "…" if (sys.stdout.encoding or "").lower().startswith("utf") else "~"
    return line[: width - 1] + more


def wrapped(text: str, width: int | None, indent: str = "") -> str:
    """Prose on lines of ``width``, those after the first behind ``indent``."""
    if width is None or all(len(line) <= width for line in text.split("\n")):
        return text
    return textwrap.fill(
        text, max(width, NARROWEST), subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False
    )


def reflowed(text: str, width: int | None) -> str:
    """A docstring: its paragraphs on lines of ``width``, its examples as they are."""
    if width is None or all(len(line) <= width for line in text.split("\n")):
        return text
    parts = re.split(r"(\n\s*\n)", text)
    return "".join(part if index % 2 else _paragraph(part, width) for index, part in enumerate(parts))


def _paragraph(text: str, width: int) -> str:
    lines = text.split("\n")
    code = next((number for number, line in enumerate(lines) if _AS_IT_IS.match(line)), len(lines))
    prose = wrapped(" ".join(lines[:code]), width)
    return "\n".join([prose, *lines[code:]] if code else lines)
