"""Tracing at the prompt, a prompt inside a process, drawings of messages."""

import re
import textwrap

import pytest

from pyex import Pid
from shell.sequence_diagram import Arrow, draw
from shell.testing import capture_shell

COUNTER = """\
def counter(n=0):
    while True:
        match receive():
            case ("add", k): n += k
            case ("get", who): send(who, ("count", n))
            case "stop": exit("bored")

c = spawn(counter, name="counter")
Process.register(self(), "me") and None
def over():
    while any("_print_events" in row.name for row in processes()): sleep(0.01)

"""


def shell(text):
    """What is printed, every pid as PID."""
    return re.sub(r"Pid\('[^']*'\)", "PID", capture_shell(COUNTER + textwrap.dedent(text)))


def traced(text):
    return [line.removeprefix("[trace] ") for line in shell(text).splitlines() if line.startswith("[trace]")]


def test_trace_prints_what_happens_until_there_were_so_many_events():
    *lines, last = traced("""\
        trace("counter", count=5)
        send(c, ("add", 3)) and None
        send(c, ("get", self())) and None
        receive(timeout=10)
        over()
        send(c, ("get", self())) and None
        receive(timeout=10)
        """)
    assert last == "that was the last of 5 events; trace(pid, count=...) shows more"
    assert sorted(lines) == [  # it may get both before it takes one
        "'counter' gets ('add', 3)", "'counter' gets ('get', PID)", "'counter' sends ('count', 3) to 'me'",
        "'counter' takes ('add', 3)", "'counter' takes ('get', PID)",
    ]  # fmt: skip


def test_trace_shows_the_end_and_is_over_with_it():
    lines = traced("trace(c)\nsend(c, 'stop') and None\nover()")
    assert lines == ["'counter' gets 'stop'", "'counter' takes 'stop'", "'counter' ends: 'bored'"]


def test_untrace_ends_it():
    assert traced("""\
        trace(c)
        send(c, ("add", 1)) and None
        process_info(c).message_queue_len
        untrace()
        over()
        send(c, ("add", 1)) and None
        process_info(c).message_queue_len
        trace(c); untrace("counter"); untrace(c)
        over()
        """)[:1] == ["'counter' gets ('add', 1)"]  # fmt: skip


def test_spawns_links_and_exit_signals_are_told_in_words():
    lines = traced("""\
        def busy():
            receive("go")
            child = spawn(receive, "never")
            Process.link(child)
            Process.unlink(child)
            Process.exit(child, "bye")

        p = spawn(busy)
        trace(p)
        send(p, "go") and None
        over()
        """)
    assert lines == [
        "PID gets 'go'", "PID takes 'go'", "PID spawns PID, which runs pyex.core.messaging.receive", "PID links to PID",
        "PID unlinks from PID", "PID sends the exit signal 'bye' to PID", "PID ends: 'normal'",
    ]  # fmt: skip


def test_what_cannot_be_traced_says_so_and_leaves_nothing():
    printed = shell("trace('cuonter')\ntrace(self())\ntrace(c); trace(c)\nuntrace()\nover()\ntrace()")
    assert "Did you mean 'counter'?" in printed
    assert "is traced already" in printed
    assert "trace() takes pids or names" in printed


def test_sequence_draws_what_a_function_caused():
    printed = shell("""\
        def work():
            send("counter", ("add", 5))
            send(c, ("get", self()))
            print("printed")
            return receive(("count", ANY), timeout=10)

        sequence(work)
        """)
    lines = printed.splitlines()
    assert lines[0] == "printed"
    assert lines[-1] == "('count', 5)"
    assert lines[1].split("  ")[0].strip() == ""
    assert [head.strip() for head in lines[1].strip().split("  ") if head] == ["the shell", "'counter'"]
    drawn = [re.sub(r"[─ ]+", " ", line).strip() for line in lines[2:-1]]
    assert drawn == ["│ ('add', 5) ▶│", "│ ('get', PID) ▶│", "│◀ ('count', 5) │"]


def test_sequence_draws_spawns_and_ends_and_what_is_raised_passes():
    printed = shell("""\
        def work():
            pid, ref = spawn_monitor(lambda: receive("go"))
            send(pid, "go")
            receive(Down(ref), timeout=10)
            raise ValueError("after all")

        sequence(work)
        sequence(lambda: 3)
        """)
    for text in ("┄ spawn <lambda> ┄", "─ 'go' ─", "✕ 'normal'", "┄ DOWN 'normal' ┄", "ValueError: after all"):
        assert text in printed, text
    assert printed.endswith("nothing was sent, spawned or ended\n3\n")


ONE, TWO, THREE = Pid("0.1.0"), Pid("0.2.0"), Pid("0.3.0")


def name(pid):
    return f"p{pid.number}"


def test_the_drawing():
    found = [
        Arrow(ONE, TWO, "hi"), Arrow(TWO, ONE, "a long text that has no room"), Arrow(ONE, THREE, "x", is_message=False),
        Arrow(TWO, TWO, "self"), Arrow(THREE, None, "✕ 'bored'"), Arrow(ONE, TWO, "on"),
    ]  # fmt: skip
    assert draw(found, name, 48, fine=True).splitlines() == [
        "       p1              p2              p3",
        "        │───── hi ─────▶│               │",
        "        │◀─ a long te… ─│               │",
        "        │┄┄┄┄┄┄┄┄┄┄┄┄┄ x ┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶│",
        "        │               │◀ self         │",
        "        │               │               ✕ 'bored'",
        "        │───── on ─────▶│",
    ]


def test_where_there_is_no_room_for_columns_it_is_a_list():
    assert draw([Arrow(ONE, TWO, "hi"), Arrow(TWO, None, "✕ 1")], name, 20, fine=True) == "p1 ─▶ p2: hi\np2 ✕ 1"
    assert draw([Arrow(ONE, TWO, "hi")], name, 20, fine=False) == "p1 -> p2: hi"


def test_a_long_one_is_cut():
    assert draw([Arrow(ONE, TWO, "hi")] * 300, name, 80, fine=True).endswith("... and 100 more")


FUNCTION = """\
def f(x):
    y = x + 1
    pry()
    return y

"""


def test_pry_in_the_shells_own_process():
    printed = shell(FUNCTION + """\
f(3)
locals
y * 2
z = 5
z + x
[y for _ in range(2)]
1 / 0
nonsense(
where
whereami
help
i(y)

continue
"after"
""")  # fmt: skip
    assert "PID stands in f, line 3 of <pyex 5>" in printed
    assert "->    3      pry()" in printed
    for text in ("x = 3\ny = 4\n", "pry> 8\n", "pry> pry> 8\n", "[4, 4]", "ZeroDivisionError", "SyntaxError",
                 ", in f\n    pry()\n", "let the process go on", "Value         4"):  # fmt: skip
        assert text in printed, text
    assert printed.endswith("pry> pry> 4\n'after'\n")


def test_pry_in_another_process_while_others_go_on():
    printed = shell(FUNCTION + """\
p = self(); q = spawn(lambda: send(p, ("value", f(5)))); receive(timeout=30)
y
continue
""")  # fmt: skip
    assert "PID stands in f, line 3 of" in printed
    assert "PID asks: pry> 6\n" in printed
    assert printed.endswith("('value', 6)\n")


def test_pry_ends_a_process_and_the_end_of_input_lets_it_go_on():
    printed = shell(
        FUNCTION + "q, r = spawn_monitor(lambda: f(5)); receive(Down(r), timeout=30).reason\nexit('enough')\n"
    )
    assert printed.endswith("'enough'\n")
    assert shell(FUNCTION + "q, r = spawn_monitor(lambda: f(5)); receive(Down(r), timeout=30).reason").endswith(
        "'normal'\n"
    )


VARIABLES = """\
limit = 3
def f(x):
    seen = []
    def keep(value): seen.append(value); return x
    breakpoint()
    return x, seen, keep(0), limit

p = self()
q, r = spawn_monitor(lambda: send(p, f(5))); receive(timeout=30)
"""


def test_breakpoint_in_a_process_is_this_prompt_and_an_assignment_changes_the_code():
    printed = shell(VARIABLES + """\
x = 6
seen = seen + ["mine"]
limit = 4
own = 7
keep(own), own
for x in range(9): seen.append(x) if x == 8 else None
continue
limit
""")  # fmt: skip
    assert "stands in f, line 4 of" in printed
    assert "(6, 7)\n" in printed
    assert printed.endswith("(8, ['mine', 7, 8, 0], 8, 3)\n3\n")


def test_breakpoint_at_the_prompt_itself_is_pythons():
    assert "(Pdb)" in shell("breakpoint()\nc\n")


def test_breakpoint_stops_where_it_stands_though_garbage_is_collected_at_that_moment():
    printed = shell("""\
        import gc
        def f(n):
            gc.set_threshold(1)
            breakpoint()
            gc.set_threshold(700, 10, 10)
            return n

        f(5)
        p "n", n
        c
        """)
    assert "('n', 5)\n" in printed
    assert printed.endswith("5\n")


def test_breakpoint_steps_through_the_code_and_not_through_the_runtime():
    printed = shell("""\
        import gc
        def f(n):
            gc.disable()
            breakpoint()
            send(self(), n)
            gc.enable()
            return n

        f(5)
        s
        s
        s
        p "n", n
        c
        """)
    assert "send(self(), n)\n(Pdb)" in printed
    assert "gc.enable()\n(Pdb)" in printed
    assert "('n', 5)\n" in printed
    assert printed.endswith("5\n")


@pytest.mark.parametrize("named", ["0", "builtins.print"])
def test_breakpoint_is_what_the_environment_says(monkeypatch, named):
    monkeypatch.setenv("PYTHONBREAKPOINT", named)
    printed = shell("r = spawn_monitor(lambda: breakpoint())[1]; receive(Down(r), timeout=30).reason\n")
    assert printed.endswith("'normal'\n")
    assert "stands in" not in printed


def test_pry_in_a_module_binds_there():
    assert shell("x = 1\npry()\nx = 2; y = 3\ncontinue\nx, y\n").endswith("(2, 3)\n")
