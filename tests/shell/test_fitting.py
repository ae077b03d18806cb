"""Tables and texts fit the width there is, and none needs more than it needs."""

import pytest

import pyex
from pyex import Pid
from shell.documentation import whole_text
from shell.fitting import cut, reflowed, wrapped
from shell.survey import HEADS, Row
from shell.table import Table, cell
from shell.testing import capture_shell

ROWS = [
    Row(Pid("0.110.0"), "shell.evaluator._live", "<module>:1", "running", 0, 1272, 1516765),
    Row(Pid("0.111.0"), "a_name_of_a_module.and_a_function", "another_function_that_is_long:123", "waiting", 12345, 936, 9070),
]  # fmt: skip


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 110, 120])
def test_a_table_fits(width):
    lines = Table(HEADS, ROWS, keep="reductions").text(width).splitlines()
    assert max(map(len, lines)) <= width
    if width >= 40:  # neither a pid nor a number is cut, and what was asked for is there
        assert all("Pid('0.11" in line and line.split()[0].endswith("')") for line in lines[1:3])
        assert lines[1].split()[-1] == "1,516,765"
    if width >= 60:
        assert "12,345" in lines[2] or "messages" in lines[3]
    missing = [
        head for head in HEADS if head not in lines[0] and not any(head[:3] in part for part in lines[0].split())
    ]
    assert all(head in " ".join(lines[3:]) for head in missing)


@pytest.mark.parametrize("sort", HEADS)
@pytest.mark.parametrize("width", [28, 40, 60, 80, 100])
@pytest.mark.parametrize("rows", [ROWS, [Row(Pid("0.1.0"), "", "", "", 0, 1, 2)], ROWS[:1]])
def test_the_pid_and_what_a_table_is_sorted_by_are_whole_whatever_has_to_go(sort, width, rows):
    lines = Table(HEADS, rows, keep=sort).text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert {"pid", sort} <= {*lines[0].split()}
    for line, row in zip(lines[1:], rows, strict=False):
        assert line.startswith(repr(row.pid))
        wanted = cell(getattr(row, sort))
        if len(repr(row.pid)) + 2 + len(wanted) <= width:
            assert wanted in line


def test_a_table_takes_no_more_than_it_needs():
    whole = repr(Table(HEADS, ROWS))
    assert Table(HEADS, ROWS).text(200) == whole
    assert Table(HEADS, ROWS).text(max(map(len, whole.splitlines()))) == whole
    assert Table(("a",), [], "none of them").text(9) in ("(none of…", "(none of~")


def test_what_is_cut_says_so():
    assert cut("short", 5) == "short"
    assert cut("longer\nand longer", 5) in ("long…\nand …", "long~\nand ~")
    assert cut("longer", None) == "longer"


def test_prose_is_made_to_fit_and_examples_are_not():
    text = "Some words that are too long for the line, and go on\nover the next one.\n\n>>> an_example(that, stays, as_it_is)\n3"
    lines = reflowed(text, 30).splitlines()
    assert lines[-2:] == [">>> an_example(that, stays, as_it_is)", "3"]
    assert all(len(line) <= 30 for line in lines[:-2])
    assert " ".join(lines[:-3]) == " ".join(text.partition("\n\n")[0].split("\n"))
    assert reflowed(text, 200) == text
    assert wrapped("f(a_parameter, another_one)", 20, "    ") == "f(a_parameter,\n    another_one)"


@pytest.mark.parametrize("name", ["spawn", "GenServer", "Process", "receive", "Node"])
def test_help_is_readable_at_60_columns(name):
    text = reflowed(whole_text(getattr(pyex, name)), 60)
    prose = [line for line in text.splitlines() if not line.startswith((">>>", "...", " "))]
    assert max(map(len, prose)) <= 60
    assert text.split() == whole_text(getattr(pyex, name)).split()


def test_without_a_terminal_nothing_is_cut():
    assert "…" not in capture_shell("h()\nprocesses()\nh(spawn)")
