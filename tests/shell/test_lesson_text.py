"""The text of lessons in terminals of all kinds."""

import re

import pytest

from shell.lesson_text import NARROWEST, rendered

TEXT = """\
# A **title**

A [link](there.md), `code here` and what is **very strong**,
in a paragraph.

- one
  and on
- two

```python
if x:

    print(x)
```
<!-- for the
teacher -->
    as it is,   all of it
"""


def test_without_colours():
    assert rendered(TEXT, width=40) == (
        "| A title\n| -------\n|\n"
        "| A link, `code here` and what is very\n| strong, in a paragraph.\n|\n"
        "| - one and on\n| - two\n|\n"
        "|     if x:\n|\n|         print(x)\n|\n"
        "|     as it is,   all of it\n"
    )


def test_colours_change_the_look_alone():
    coloured = rendered(TEXT, width=60, colour=True, fine=True)
    assert "\x1b[1mtitle" not in coloured
    assert "\x1b[36mcode\x1b[0m \x1b[36mhere\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[\d*m", "", coloured)
    assert "│ A link, code here and what is very strong, in a paragraph.\n" in plain
    for line in coloured.splitlines():
        assert line.count("\x1b[0m") == len(re.findall(r"\x1b\[[1-9]\d*m", line)), "no line begins in a colour"


@pytest.mark.parametrize("width", [1, NARROWEST, 40, 79, 300, None])
@pytest.mark.parametrize("colour", [True, False])
def test_lines_are_as_wide_as_the_terminal_at_most(width, colour):
    lines = re.sub(r"\x1b\[\d*m", "", rendered("word " * 100 + "x" * 10, width=width, colour=colour)).splitlines()
    assert max(map(len, lines)) <= max(min(width or 80, 80), NARROWEST)
    assert min(map(len, lines[:-1])) > max(min(width or 80, 80), NARROWEST) - 6


def test_a_word_too_long_has_a_line_of_its_own():
    assert rendered("a " + "x" * 50 + " b", width=30) == f"| a\n| {'x' * 50}\n| b\n"


def test_nothing_in_it_steers_the_terminal():
    assert "\x1b" not in rendered("\x1b[2J **\x1b]0;x\x07** \x01\x02\x03 \x9b2J")
    assert rendered("") == rendered("<!-- only this -->") == ""
