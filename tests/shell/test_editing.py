"""Editing at the prompt of a real terminal: the menu, pasting, keys, the history, colours, narrow windows."""

import threading

import pytest

from shell.history import SharedHistory
from shell.paste import code_of, inputs, is_session

SESSION = """\
pyex(alice@127.0.0.1)1> def double(n):
...     return n * 2
...
pyex(alice@127.0.0.1)2> double(21)
999
pyex(alice@127.0.0.1)3> x = 5; y = 6
pyex(alice@127.0.0.1)4> print("x is", x)
x is 5
"""

CLASS = """\
class Counter:
    def __init__(self):
        self.n = 0

    def add(self, k):
        self.n += k

        return self.n
"""


def paste(shell, text):
    shell.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")


@pytest.fixture
def shell(terminal):
    shell = terminal()
    shell.prompt(1)
    return shell


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 + 1", "1 + 1"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("    if x:\n        y", "if x:\n    y"),
        (">>> 1 + 1\n2\n>>> f()", "1 + 1\nf()"),
        (">>> for i in x:\n...     print(i)\n... \n1\n2\n>>> y", "for i in x:\n    print(i)\n\ny"),
        ("    >>> a = 1\n    >>> a\n    1\n", "a = 1\na"),
        ("In [1]: x\nOut[1]: 3\n\nIn [2]: def f():\n   ...:     pass\n", "x\ndef f():\n    pass"),
        ("pyex(bob@10.0.0.1)12> x\n... is this output", "x\nis this output"),
        ("pyex> x", "x"),
        ("x > 1\n>>> no session", "x > 1\n>>> no session"),
    ],
)
def test_what_is_pasted_becomes_code(text, code):
    assert code_of(text) == code


def test_a_session_is_taken_apart_into_its_inputs():
    assert is_session(SESSION)
    assert inputs(code_of(SESSION)) == [
        "def double(n):\n    return n * 2",
        "double(21)",
        "x = 5; y = 6",
        'print("x is", x)',
    ]
    assert inputs("@d\ndef f(): pass\n# why\nf()") == ["@d\ndef f(): pass", "# why\nf()"]
    assert inputs("x = = 1") == ["x = = 1"]
    assert inputs("# nothing") == ["# nothing"]


def test_a_session_that_is_pasted_is_played_input_by_input(shell):
    paste(shell, SESSION)
    shell.wait(lambda: shell.last() == '... print("x is", x)')
    shell.type("\r")
    shell.prompt(5)
    begin = shell.lines().index("pyex(pyex1@127.0.0.1)1> def double(n):")
    assert shell.lines()[begin:] == [
        "pyex(pyex1@127.0.0.1)1> def double(n):",
        "...     return n * 2",
        "pyex(pyex1@127.0.0.1)2> double(21)",
        "42",
        "pyex(pyex1@127.0.0.1)3> x = 5; y = 6",
        'pyex(pyex1@127.0.0.1)4> print("x is", x)',
        "x is 5",
        "pyex(pyex1@127.0.0.1)5>",
    ]
    assert b"\x1b[?2004h" in shell.raw  # pastes are marked
    assert b"\x1b[?1000h" not in shell.raw  # and the mouse is left to the terminal


def test_ctrl_c_drops_what_is_left_of_a_pasted_session(shell):
    paste(shell, ">>> x = 1\n>>> print('be' + 'gun'); sleep(None)\n>>> x = 2\n>>> x = 3\n")
    shell.wait(lambda: shell.last() == "... x = 3")
    shell.type("\r")
    shell.wait(lambda: "begun" in shell.lines())
    shell.type("\x03")
    shell.prompt(3)
    shell.enter("x")
    shell.prompt(4)
    assert shell.lines()[-2] == "1"
    paste(shell, CLASS)  # a plain one is one input
    shell.type("\r")
    shell.prompt(5)
    shell.enter("Counter().add(3)")
    shell.prompt(6)
    assert shell.lines()[-2] == "3"


def test_the_menu_comes_while_one_types_and_enter_takes_what_is_typed(shell):
    shell.enter("spa = 1")
    shell.prompt(2)
    shell.try_again("\x15Process.regis", lambda: "registered" in shell.text())
    shell.try_again("\x15spa", lambda: "spawn_monitor" in shell.text())
    shell.type("\r")
    shell.prompt(3)
    assert shell.lines()[-2] == "1"
    shell.try_again(
        "\x15Process.whe\t", lambda: shell.last().startswith("pyex") and shell.last().endswith("Process.whereis")
    )
    shell.type('("x")\r')
    shell.prompt(4)
    shell.try_again("\x15spa", lambda: "spawn_monitor" in shell.text())
    shell.type("\x1b[A")  # the history, and not the menu, which nobody has asked for
    shell.wait(lambda: shell.last() == 'pyex(pyex1@127.0.0.1)4> Process.whereis("x")')


def test_reverse_search(shell):
    for number, text in enumerate(("alpha = 1", "beta = 2", "gamma = 3"), 2):
        shell.enter(text)
        shell.prompt(number)
    shell.type("\x12alp")
    shell.wait(lambda: any(line.endswith("> alpha = 1") and ")4>" in line for line in shell.lines()))
    shell.type("\r")
    shell.wait(lambda: shell.last() == "pyex(pyex1@127.0.0.1)4> alpha = 1")
    shell.type("\r")
    shell.prompt(5)


def test_vi_keys(terminal, env, tmp_path):
    folder = tmp_path / "home" / "config" / "pyex"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('keys = "vi"\nprompt = "{name} {number}: "\nbanner = false\n')
    shell = terminal()
    shell.wait(lambda: shell.lines() == ["pyex1 1:"])
    shell.type("xx = 41\x1b0cwyy\x1b$r2\r")
    shell.wait(lambda: shell.last() == "pyex1 2:")
    shell.enter("yy")
    shell.wait(lambda: shell.last() == "pyex1 3:")
    assert shell.lines()[-2] == "42"


def test_no_colour(terminal):
    shell = terminal(NO_COLOR="1")
    shell.prompt(1)
    shell.type("lambda: 'text'")
    shell.wait("'text'")
    shell.type("\r")
    shell.prompt(2)
    assert {cell.fg for row in shell.screen.buffer.values() for cell in row.values()} == {"default"}


def test_a_terminal_that_cannot_do_anything(terminal):
    shell = terminal(TERM="dumb")
    shell.wait(lambda: shell.last() == "pyex(pyex1@127.0.0.1)1>")
    shell.type("1 + 1\r")
    shell.wait(lambda: shell.lines()[-2:] == ["2", "pyex(pyex1@127.0.0.1)2>"])


def test_a_narrow_terminal_and_one_that_is_resized(shell):
    shell.resize(30)
    shell.enter("")
    shell.type("1 + 1\r")
    shell.wait(lambda: shell.last() == "2>")
    shell.type("x = 'a long text that goes over several lines'")
    shell.wait(lambda: shell.last().endswith("lines'"))
    shell.resize(60)
    shell.type("\x15\r")
    shell.enter("processes('reductions')")
    shell.wait(lambda: shell.last() == "pyex(pyex1@127.0.0.1)3>")
    table = [line.split() for line in shell.lines()[shell.lines().index(next(
        line for line in shell.lines() if line.startswith("pid ")
    )) : -1]]  # fmt: skip
    assert {"pid", "reductions"} <= {*table[0]}
    assert all(row[0].startswith("Pid('0.") for row in table[1:-1])
    assert table[-1][0] == "(no"
    shell.type("x = 'a long text that goes over several lines'")
    shell.wait(lambda: shell.last().endswith("lines'"))
    shell.resize(100)
    shell.type(" * 1\r")
    shell.prompt(4)
    shell.enter("x == 'a long text that goes over several lines'")
    shell.prompt(5)
    assert shell.lines()[-2] == "True"


def test_two_shells_share_the_history_and_none_loses_what_the_other_has_typed(terminal):
    one, two = terminal(), terminal()
    for shell, text in ((one, "first = 1"), (two, "second = 2"), (one, "third = 3")):
        shell.wait(lambda shell=shell: shell.last().startswith("pyex(") and shell.last().endswith(">"))
        shell.enter(text)
        shell.wait(lambda shell=shell: shell.last().startswith("pyex(") and shell.last().endswith(">"))
    for shell in (one, two):
        shell.type("\x04")
        assert shell.leave() == 0
    shell = terminal()
    shell.wait(lambda: shell.last().endswith(")1>"))
    for text in ("third = 3", "second = 2", "first = 1"):
        shell.type("\x1b[A")
        shell.wait(lambda text=text: shell.last().endswith(text))


def test_a_thousand_inputs_of_four_shells_at_once(tmp_path):
    path = str(tmp_path / "history")
    blocks = [f"def f{number}():\n    return {number}" for number in range(1000)]

    def write(mine):
        shell = SharedHistory(path)
        for block in mine:
            shell.store_string(block)

    threads = [threading.Thread(target=write, args=(blocks[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(SharedHistory(path).load_history_strings()) == sorted(blocks)


def test_a_history_does_not_grow_for_ever_and_keeps_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr("shell.history.LARGEST", 10_000)
    shell = SharedHistory(str(tmp_path / "history"))
    for number in range(1000):
        shell.store_string(f"number = {number}\n# of many")
    kept = [*SharedHistory(str(tmp_path / "history")).load_history_strings()]
    assert (tmp_path / "history").stat().st_size <= 11_000
    assert kept == [f"number = {number}\n# of many" for number in range(999, 999 - len(kept), -1)]
    assert len(kept) > 50


def test_a_line_that_begins_with_a_blank_is_not_kept(tmp_path):
    shell = SharedHistory(str(tmp_path / "history"))
    shell.store_string(" secret = 1")
    shell.store_string("open = 1")
    assert [*shell.load_history_strings()] == ["open = 1"]
