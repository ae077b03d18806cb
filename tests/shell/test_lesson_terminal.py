"""Lessons in real terminals: the keys of who learns and of who teaches, and what goes wrong."""

import pytest

TALK = """\
# A talk

First.

```pyex
pyex> x = 5
pyex> def double(n):
...       while n is None: print("busy"); sleep(60)
...       return 2 * n
...
```

Second.

```pyex
pyex> double(x)
10
pyex> print("waiting"); receive()
waiting
'hello'
pyex> exit("boom")
** (EXIT from Pid('0.1.0')) 'boom'
pyex> x
5
```

The end.
"""

RIGHT, END, PAGE_UP, PAGE_DOWN, CTRL_C, CTRL_D = "\x1b[C", "\x1b[F", "\x1b[5~", "\x1b[6~", "\x03", "\x04"


@pytest.fixture
def talk(terminal, tmp_path):
    """Starts a shell, and the lesson in it."""
    (tmp_path / "talk.md").write_text(TALK)

    def start(call="lesson('talk.md')", columns=100, **more):
        shell = terminal(**more)
        if columns != 100:
            shell.resize(columns)
        shell.wait(lambda: shell.last().endswith("1>"))
        shell.enter(call)
        return shell

    return start


def ready(shell, number, *lines):
    """Wait until an input stands ready at the prompt of this number."""
    first, *more = lines
    wanted = [f"pyex(pyex1@127.0.0.1){number}> {first}".rstrip(), *(f"... {line}" for line in more)]
    shell.wait(lambda: shell.lines()[-len(wanted) :] == wanted)


WAIT = 'print("waiting"); receive()'
DOUBLE = ("def double(n):", '    while n is None: print("busy"); sleep(60)', "    return 2 * n")


def test_enter_plays_and_what_is_typed_takes_the_place(talk):
    shell = talk()
    ready(shell, 2, "x = 5")
    assert "│ First." in shell.lines()
    shell.type("1 + 1")
    ready(shell, 2, "1 + 1")
    shell.type("\r")
    ready(shell, 3, "x = 5")
    assert shell.lines()[-2] == "2"
    shell.type("\x1b[200~6 * 7\x1b[201~\r")
    ready(shell, 4, "x = 5")
    assert shell.lines()[-2] == "42"
    shell.type(CTRL_C)
    ready(shell, 4, "")
    shell.type("\r")
    ready(shell, 4, "x = 5")
    shell.type(f"{RIGHT}{END}0\r")  # x = 50
    ready(shell, 5, *DOUBLE)
    shell.type(PAGE_UP)
    ready(shell, 6, "x = 5")
    shell.type(f"{PAGE_DOWN}")
    ready(shell, 7, *DOUBLE)
    shell.type("\t * 3\r\r")  # at its end: the block is edited, and ends with an empty line
    ready(shell, 8, "double(x)")
    assert "│ Second." in shell.lines()
    shell.type("\r")
    ready(shell, 9, WAIT)
    assert shell.lines()[-3:-1] == ["30", "│ In the lesson this gives 10."]
    shell.type(CTRL_D)
    ready(shell, 9, "")
    shell.wait("at step 4 of 6")
    shell.type(CTRL_D)
    assert shell.leave() == 0
    again = talk()
    ready(again, 5, WAIT)
    assert again.lines()[-8:-1] == [
        "pyex(pyex1@127.0.0.1)2> x = 5",
        f"pyex(pyex1@127.0.0.1)3> {DOUBLE[0]}", *(f"... {line}" for line in DOUBLE[1:]),
        "pyex(pyex1@127.0.0.1)4> double(x)",
        "10",
        "│ Second.",
    ]  # fmt: skip


def test_whatever_goes_wrong_the_lesson_waits(talk):
    shell = talk("lesson('talk.md', 4)")
    ready(shell, 5, WAIT)
    shell.type("\r")
    shell.wait("\nwaiting")
    shell.interrupt()
    ready(shell, 6, WAIT)
    shell.enter("double(None)")
    shell.wait("\nbusy")
    shell.interrupt()
    ready(shell, 7, WAIT)
    shell.enter("def oops(:")
    ready(shell, 8, WAIT)
    shell.enter("def ask(to): send(to, input('who? '))", "")
    ready(shell, 9, WAIT)
    shell.enter("asker = spawn(ask, self())")  # the prompt steps aside, with what stands there
    shell.wait("asks: who?")
    shell.enter("hello")
    ready(shell, 10, WAIT)
    shell.enter("x = 'six'")
    ready(shell, 11, WAIT)
    shell.type("\r")
    ready(shell, 12, 'exit("boom")')
    shell.type("\r")
    ready(shell, 13, "x")
    assert "** (EXIT from Pid('0.110.0')) 'boom'" in shell.lines()
    shell.type("\r")
    shell.wait("This lesson is over.")
    assert "│ In the lesson this gives 5." in shell.lines()


def test_inputs_can_be_typed_oneself(talk):
    shell = talk("lesson('talk.md', ready=False)")
    shell.wait("│     x = 5")
    shell.prompt(2)
    shell.type("\r")
    shell.prompt(3)
    assert "pyex(pyex1@127.0.0.1)2> x = 5" in shell.lines()
    assert "│     def double(n):" in shell.lines()
    shell.enter(DOUBLE[0], DOUBLE[1].strip(), DOUBLE[2].strip(), "")
    shell.wait("│     double(x)")
    shell.prompt(4)
    shell.type(PAGE_DOWN)
    shell.prompt(5)
    assert "10" in shell.lines()
    shell.type(CTRL_D)
    shell.wait("You have left this lesson")
    shell.prompt(5)


def test_a_narrow_terminal_without_colours(talk):
    shell = talk(columns=36, NO_COLOR="1")
    shell.wait(lambda: shell.last() == "2> x = 5")
    lines = shell.lines()
    lesson = lines[lines.index("1> lesson('talk.md')") + 1 : -1]
    assert len(lesson) > 8
    assert all(line.startswith("│") for line in lesson), "none is wrapped by the terminal"
    assert b"\x1b[36m" not in shell.raw
    shell.type("\r")
    shell.wait(lambda: f"3> {DOUBLE[0]}" in shell.lines())
    shell.type("\r")
    shell.wait(lambda: shell.last() == "4> double(x)")
    shell.type("\r")
    shell.wait(lambda: shell.lines()[-2:] == [f"5> {WAIT[:33]}", WAIT[33:]] or shell.last() == f"5> {WAIT}")
    assert "10" in shell.lines()


def test_a_terminal_that_can_do_nothing(talk):
    shell = talk(TERM="dumb")
    shell.wait("    x = 5")
    shell.wait(lambda: shell.last().endswith("2>"))
    shell.type("\r")
    shell.wait("    def double(n):")
    shell.wait(lambda: shell.last().endswith("3>"))
    shell.enter("x")
    shell.wait("\n5\n")


def test_one_lesson_leads_to_the_next(talk):
    shell = talk("lesson(1)")
    ready(shell, 2, "self()")
    shell.enter("lesson.skip(100)")
    ready(shell, 3, "lesson(2)")
    shell.type("\r")
    ready(shell, 4, 'send(self(), "hello")')
    shell.enter("lesson()")
    shell.wait("lesson(1)   Processes                   done")
