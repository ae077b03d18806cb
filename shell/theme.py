"""Colours of the prompt and its menu, for backgrounds light and dark; ``shell.colours`` has those of what is printed."""

from __future__ import annotations

from typing import Final

from prompt_toolkit.styles import BaseStyle, Style, merge_styles
from prompt_toolkit.styles.pygments import style_from_pygments_cls

from shell.colours import EITHER, STYLES

#: Colours that the terminal's own palette makes readable on either background.
_EITHER: Final = {
    "pygments.keyword": "bold",
    "pygments.keyword.constant": "ansicyan",
    "pygments.operator.word": "bold",
    "pygments.literal.string": "ansigreen",
    "pygments.literal.number": "ansicyan",
    "pygments.comment": "italic",
    "pygments.name.builtin": "ansimagenta",
    "pygments.name.decorator": "ansimagenta",
    "pygments.name.function": "bold",
    "pygments.name.class": "bold",
}

#: The menu of completions; reversed, it can be told from the text without colours too.
_MENU: Final = {
    "completion-menu": "noreverse",
    "completion-menu.completion": "reverse",
    "completion-menu.completion.current": "noreverse bold underline",
    "completion-menu.meta.completion": "reverse italic",
    "completion-menu.meta.completion.current": "noreverse italic",
}
_MENUS: Final = {
    "light": {
        "completion-menu.completion": "bg:#dddddd #222222",
        "completion-menu.completion.current": "bg:#005f87 #ffffff",
        "completion-menu.meta.completion": "bg:#cccccc #444444",
        "completion-menu.meta.completion.current": "bg:#0087af #ffffff",
    },
    "dark": {
        "completion-menu.completion": "bg:#333333 #dddddd",
        "completion-menu.completion.current": "bg:#5fafd7 #000000",
        "completion-menu.meta.completion": "bg:#262626 #aaaaaa",
        "completion-menu.meta.completion.current": "bg:#87d7ff #000000",
    },
}


def style(theme: str, *, colour: bool) -> BaseStyle:
    """The style for a theme: ``either``, ``light``, ``dark``, or the name of a style of Pygments."""
    if not colour:
        return Style.from_dict(_MENU)
    menu = Style.from_dict(_MENUS.get(theme, _MENU))
    if theme == EITHER:
        return merge_styles([Style.from_dict(_EITHER), menu])
    from pygments.styles import get_style_by_name

    return merge_styles([style_from_pygments_cls(get_style_by_name(STYLES.get(theme, theme))), menu])
