"""How values and errors look."""

import pytest

import pyex
from shell import display
from shell.bounded import LIMIT
from shell.colours import resolved
from shell.table import Table


class Broken:
    def __repr__(self):
        raise ValueError("no text for me")


class Worse:
    def __repr__(self):
        raise Unspeakable


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError


def test_a_long_value_is_cut_and_says_so():
    text = display.brief("x" * 20_000)
    assert len(text) < LIMIT + 100
    assert text.endswith("x... (cut: 10,002 more characters)")


def test_a_repr_that_raises_harms_nothing():
    assert display.brief(Broken()) == "<Broken object whose repr raised ValueError: no text for me>"
    assert display.brief(Worse()) == "<Worse object whose repr raised Unspeakable>"


def test_colours_are_for_terminals():
    assert display.result("a", colour=False) == "'a'\n"
    coloured = display.result("a", colour=True)
    assert "\x1b[" in coloured
    assert coloured.endswith("\n")


@pytest.mark.parametrize("text", ["\n a \n", "", " \t "])
def test_colours_change_no_text(text):
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", display.result(text, colour=True)) == repr(text) + "\n"


def test_the_line_for_an_ending():
    pid = pyex.Pid("0.110.0")
    assert display.ending(pid, "boom", colour=False) == "** (EXIT from Pid('0.110.0')) 'boom'\n"
    crash = pyex.Crash(ValueError("bad"))
    assert display.ending(pid, crash, colour=False) == "** (EXIT from Pid('0.110.0')) ValueError: bad\n"
    assert display.ending(pid, "boom", colour=True).startswith("\x1b[31m")


THEMES = ["either", "light", "dark", "vim"]


def plain(text):
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_is_that_of_all_that_is_printed(theme):
    shown = {
        "result": (display.result({"a": 1}, colour=theme), "{'a': 1}\n"),
        "alert": (display.alert("one\ntwo", colour=theme), "one\ntwo\n"),
        "table": (display.result(Table(("a", "b"), [(1, "x")]), colour=theme), "a  b\n1  x\n"),
    }
    try:
        raise ValueError("no")
    except ValueError as error:
        shown["error"] = display.error(error, colour=theme), display.error(error, colour=False)
    for painted, text in shown.values():
        assert plain(painted) == text
        assert "\x1b[" in painted
        assert painted.rpartition("\x1b[")[2].startswith(("0m", "39"))  # it is over again
    others = [display.result({"a": 1}, colour=other) for other in THEMES if other != theme]
    assert shown["result"][0] not in others


def test_the_theme_that_is_shown_is_one_the_terminal_can_show():
    many = {"TERM": "xterm-256color"}
    assert resolved("auto", many) == "either"
    assert resolved("auto", many | {"COLORFGBG": "0;15"}) == "light"
    assert resolved("auto", many | {"COLORFGBG": "15;default;0"}) == "dark"
    assert resolved("monokai", many) == "monokai"
    assert resolved("monokai", {"TERM": "linux"}) == "either"
    assert resolved("dark", {"TERM": "xterm", "COLORTERM": "truecolor"}) == "dark"
