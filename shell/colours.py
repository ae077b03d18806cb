"""Colours of what is printed: results, errors, tables, in the theme of the prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Final

#: The theme whose few colours the terminal's own palette makes readable on either background.
EITHER: Final = "either"

#: The styles of Pygments that stand for a background.
STYLES: Final = {"light": "default", "dark": "monokai"}

_PLAIN: Final = "\x1b[0m"


def resolved(theme: str, environment: Mapping[str, str] = os.environ) -> str:
    """The name of a theme to be shown: ``auto`` is what the terminal tells, and where it has few colours all are one."""
    if not _has_many_colours(environment):
        return EITHER
    return theme if theme != "auto" else background(environment) or EITHER


def background(environment: Mapping[str, str] = os.environ) -> str | None:
    """``light`` or ``dark`` where the terminal tells; most do not, and none is asked: its answer could come late."""
    last = environment.get("COLORFGBG", "").rpartition(";")[2]
    if not last.isdecimal():
        return None
    return "light" if int(last) in (7, 15) else "dark"


def _has_many_colours(environment: Mapping[str, str]) -> bool:
    return (
        "256" in environment.get("TERM", "")
        or environment.get("COLORTERM") in ("truecolor", "24bit")
        or sys.platform == "win32"
    )


def highlighted(text: str, lexer: Any, theme: str) -> str:
    """A text in the colours that a lexer of Pygments finds for it."""
    from pygments import highlight

    lexer.stripnl = False
    return str(highlight(text, lexer, _formatter(theme))).rstrip("\n") + "\n"


def alarming(text: str, theme: str) -> str:
    """A text that something went wrong."""
    if theme == EITHER:
        return f"\x1b[31m{text}{_PLAIN}"
    from pygments.token import Generic

    return "".join(_painted(line, Generic.Error, theme) for line in text.splitlines(keepends=True))


def heading(text: str) -> str:
    """The line above a table."""
    return f"\x1b[1m{text}{_PLAIN}"


def _painted(line: str, token: Any, theme: str) -> str:
    import io

    painted = io.StringIO()
    _formatter(theme).format([(token, line)], painted)
    return painted.getvalue()


def _formatter(theme: str) -> Any:
    if theme != EITHER:
        from pygments.formatters import Terminal256Formatter

        return Terminal256Formatter(style=STYLES.get(theme, theme))
    from pygments.formatters import TerminalFormatter
    from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, Token

    bold, cyan, green, magenta, red = (("**",) * 2, ("cyan",) * 2, ("green",) * 2, ("magenta",) * 2, ("*red*",) * 2)
    return TerminalFormatter(
        colorscheme={
            Token: ("", ""), Keyword: bold, Keyword.Constant: cyan, Operator.Word: bold, Literal.String: green,
            Literal.Number: cyan, Comment: ("", ""), Name.Builtin: magenta, Name.Decorator: magenta, Name.Function: bold,
            Name.Class: bold, Generic.Traceback: bold, Generic.Error: red,
        }
    )  # fmt: skip
