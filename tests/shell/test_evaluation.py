"""What the evaluation does: names beneath the bindings, await, results by number, what survives what."""

import textwrap

import pytest

from shell.testing import capture_shell


def shell(text):
    return capture_shell(textwrap.dedent(text))


def test_a_helper_answers_while_its_name_is_bound_to_what_cannot_be_called():
    printed = shell("""\
        for i in range(3): pass

        i
        i(3)
        [i, i("x")]
        del i
        i
        """)
    assert printed.startswith("2\nValue         3\n")
    assert "[2, None]" in printed
    assert printed.endswith("<i(value) prints what a value is>\n")


def test_names_of_pyex_answer_as_well():
    assert shell("self = 3\nself() == (send, receive, self)\nsend = [1]\nsend(self(), 'hello')\nreceive()") == (
        "False\n'hello'\n'hello'\n"
    )


def test_what_can_be_called_is_the_users():
    assert shell("i = lambda x: ('mine', x)\ni(3)\nh = str\nh(3)") == "('mine', 3)\n'3'\n"


def test_inside_functions_names_are_what_python_says():
    assert shell("""\
        def f(i):
            return i(3)

        f(lambda x: x + 1)
        class C:
            i = 5
            def m(self, self_=self): return self

        C().m().__class__.__name__
        (lambda v: v(2))(str)
        """) == "4\n'C'\n'2'\n"  # fmt: skip
    assert "'int' object is not callable" in shell("def f(i):\n    return i(3)\n\nf(1)")


def test_other_names_that_cannot_be_called_are_errors():
    printed = shell("x = 3\nx(1)\nlen = 3\nlen([])")
    assert printed.count("TypeError: 'int' object is not callable") == 2


def test_functions_with_helpers_in_them_are_pythons_own():
    assert shell("""\
        v = 7
        def f():
            return v + 1

        f()
        v(-1)
        """) == "8\n8\n"  # fmt: skip


def test_await_at_the_top_level():
    assert shell("""\
        import asyncio
        await asyncio.sleep(0, "done")
        x = await asyncio.sleep(0, 5)
        x
        async def f():
            return self()

        await f() == self()
        [n async for n in g()] if False else await asyncio.gather(f(), f()) == [self(), self()]
        async with asyncio.timeout(5):
            y = await asyncio.sleep(0, 6)

        y
        """) == "'done'\n5\nTrue\nTrue\n6\n"  # fmt: skip


def test_what_is_raised_in_an_await_is_shown_where_it_was():
    printed = shell("""\
        async def f():
            raise ValueError("here")

        await f()
        """)
    assert [line.strip() for line in printed.splitlines() if set(line) - set(" ~^")] == [
        "Traceback (most recent call last):",
        'File "<pyex 2>", line 1, in <module>',
        "await f()",
        'File "<pyex 1>", line 2, in f',
        'raise ValueError("here")',
        "ValueError: here",
    ]


def test_a_blocking_receive_in_an_await_says_what_to_use():
    assert "areceive" in shell("async def f():\n    receive()\n\nawait f()")


def test_earlier_results_by_number():
    assert shell("10\nx = 1\n20\nv(1), v(3), v(-2), v(2)\nv(), _, __\n1\n_, __\nv(99)").startswith(
        "10\n20\n(10, 20, 10, None)\n((10, 20, 10, None), (10, 20, 10, None), 20)\n1\n"
        "(1, ((10, 20, 10, None), (10, 20, 10, None), 20))\nTraceback"
    )


def test_results_are_let_go():
    printed = shell("import weakref\nclass A: pass\n\nweakref.ref(A())\n" + "1\n" * 101 + "v(4)")
    assert "LookupError: input 4 has no value here" in printed


def test_a_result_that_hangs_is_ended_and_the_shell_goes_on(monkeypatch):
    monkeypatch.setattr("shell.bounded.PATIENCE", 0.3)
    assert shell("""\
        class Loops:
            def __repr__(self):
                while True: pass

        Loops()
        1
        """) == "<Loops object whose repr took longer than 0.3 s>\n1\n"  # fmt: skip


def test_errors_and_interrupts_cost_neither_mailbox_nor_names():
    assert shell("""\
        Process.register(self(), "me")
        send("me", "kept") and None
        1 / 0
        raise KeyboardInterrupt
        receive(timeout=0), Process.whereis("me") == self()
        """).endswith("('kept', True)\n")  # fmt: skip


def test_the_end_of_the_process_costs_mailbox_and_names_but_no_bindings():
    assert shell("""\
        x = Process.register(self(), "me")
        send("me", "lost") and None
        exit("bored")
        x, Process.whereis("me"), receive(timeout=0, default="nothing")
        """).endswith("(True, None, 'nothing')\n")  # fmt: skip


def test_a_linked_crash_is_reported_with_its_reason():
    printed = shell("""\
        x = 3
        pid = spawn_link(lambda: 1 / 0); receive(timeout=10)
        x
        """)
    assert "** (EXIT from Pid('0." in printed
    assert ")) ZeroDivisionError: division by zero\n" in printed
    assert printed.endswith("3\n")


def test_a_pid_can_be_pasted_back():
    assert shell("""\
        pid = spawn(receive)
        eval(repr(pid)) == pid, send(eval(repr(pid)), 1), eval(repr(Pid('0.7.0', 'bob@127.0.0.1')))
        """) == "(True, 1, Pid('0.7.0', 'bob@127.0.0.1'))\n"  # fmt: skip


@pytest.mark.parametrize(("typed", "meant"), [
    ("spwan(1)", "'spawn'"), ("Proces.list()", "'Process'"), ("counter = 1; countr", "'counter'"),
    ("Process.lst()", "'list'"), ("send('cuonter', 1) if Process.register(self(), 'counter') else 0", "'counter'"),
    ("GenServer.call('cuonter', 1) if Process.register(self(), 'counter') else 0", "'counter'"), ("import jsno", "'json'"),
    ("x = 'text'; x.uper()", "'upper'"), ("class A:\n  colour = 1\n\nA().color", "'colour'"),
    ("pid('cuonter') if Process.register(self(), 'counter') else 0", "'counter'"), ("h('recieve')", "'receive'"),
])  # fmt: skip
def test_a_near_miss_suggests_the_right_name(typed, meant):
    printed = shell(typed)
    assert f"Did you mean: {meant}" in printed or f"Did you mean {meant}" in printed


@pytest.mark.parametrize(("typed", "here"), [
    ("Process.sleep(100)", "sleep(seconds)"), ("Process.send(self(), 1)", "send(dest, message)"), ("make_ref()", "Ref()"),
    ("Process.spawn(f)", "spawn(fn, *args)"), ("Global.send('x', 1)", "send(Global.whereis_name(name), message)"),
    ("x = true", "True"), ("nil", "None"), ("Task.async(lambda: 1)", "Task.async_(...)"),
    ("Task.await(t)", "Task.await_(...)"), ("Process.info(self(), 'messages')", "Process.info(pid).messages, and"),
])  # fmt: skip
def test_what_people_of_elixir_type_is_told_by_its_name_here(typed, here):
    *_, last = shell(typed).splitlines()
    assert f". That is {here}" in last
    assert "Did you" not in last


def test_a_module_that_was_not_imported_is_suggested():
    assert "forget to import 'time'" in shell("time.sleep(1)")


def test_who_is_used_to_calls_without_parentheses_is_told():
    assert shell("h spawn").endswith("A call has parentheses: h(spawn)\n")
    assert shell("cd 'x'").endswith("A call has parentheses: cd('x')\n")
    assert "parentheses" not in shell("x = = 1\nfoo bar\nh(")
    assert shell("flush") == "flush() calls it; h(flush) tells what it does\n"


def test_syntax_errors_point_at_the_place_in_a_block():
    assert shell("def f():\n    return )\n\n") == (
        "  File \"<pyex 1>\", line 2\n    return )\n           ^\nSyntaxError: unmatched ')'\n"
    )
