"""When an input is complete."""

import pytest

from shell.blocks import is_complete, next_indent


@pytest.mark.parametrize(
    "text",
    [
        "1 + 1",
        "x = 3",
        "# only a comment",
        "",
        "1 +",  # an error is complete: it is shown
        "def f():\n    return 1\n",
        "def f():\n    return 1\n    ",
        "for i in range(3): print(i)\n",
        "def f():\n    return 1\nf()",  # pasted
        "x = [\n  1,\n]",
        "lambda: 0",
        "'" + "\0" + "'",
    ],
)
def test_complete(text):
    assert is_complete(text)


@pytest.mark.parametrize(
    "text",
    [
        "def f():",
        "def f():\n    return 1",
        "for i in range(3): print(i)",
        "if x:\n    y\nelse:",
        "x = [",
        "'''text",
        "x = 1 + \\",
        "@decorator",
        "class A:\n    def f(self):\n        pass",
        "match x:\n    case 1: 2",
        "try:\n    x\n",
    ],
)
def test_incomplete(text):
    assert not is_complete(text)


@pytest.mark.parametrize(
    ("text", "indent"),
    [
        ("def f():", 4),
        ("def f():\n    while True:", 8),
        ("def f():\n    x = 1", 4),
        ("def f():\n    return 1", 0),
        ("class A:\n    def f():\n        pass  # why not", 4),
        ("if x:  # a comment:", 4),
        ("x = [", 4),
        ("returned = (", 4),
        ("", 0),
        ('def f():\n    x = """a:', 0),
    ],
)
def test_indent(text, indent):
    assert next_indent(text) == " " * indent
