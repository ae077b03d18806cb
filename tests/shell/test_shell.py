"""Whole shells: text in, text out."""

import sys
import textwrap

from shell.testing import capture_shell


def shell(text):
    return capture_shell(textwrap.dedent(text))


def test_values_are_shown_and_none_is_not():
    assert shell("1 + 1\nNone\nx = 3\nx\n'text'") == "2\n3\n'text'\n"


def test_the_shell_leaves_the_program_as_it_was():
    before = sys.stdin, sys.stdout, sys.stderr, sys.modules["__main__"]
    shell("import sys; sys.path is None")
    assert (sys.stdin, sys.stdout, sys.stderr, sys.modules["__main__"]) == before


def test_a_block_ends_with_an_empty_line():
    assert shell("""\
        def double(n):
            return n * 2

        double(4)
        for i in range(2):
            print(i)

        if True:
            'seen'
        else:
            'not seen'
        """) == "8\n0\n1\n"  # fmt: skip


def test_all_of_pyex_is_there_and_bindings_hold_only_what_the_user_made():
    assert shell("""\
        parent = self()
        child = spawn(lambda: send(parent, ("hello", 1)))
        receive(("hello", ANY), timeout=5)
        sorted(name for name in globals() if not name.startswith("__"))
        """) == "('hello', 1)\n['child', 'parent']\n"  # fmt: skip


def test_deleting_a_binding_brings_the_preloaded_name_back():
    assert shell("""\
        spawn = 3
        spawn
        del spawn
        spawn.__module__
        """) == "3\n'pyex.core.spawning'\n"  # fmt: skip


def test_underscore_is_the_last_result():
    assert shell("40 + 2\n_ + 1\nNone\n_\n'_' in globals()") == "42\n43\n43\nFalse\n"


def test_a_traceback_shows_the_users_frames_only():
    printed = shell("""\
        def f():
            return 1 / 0

        f()
        """)
    # Pythons differ in which places they underline.
    assert [line for line in printed.splitlines() if set(line) - set(" ~^")] == [
        "Traceback (most recent call last):",
        '  File "<pyex 2>", line 1, in <module>',
        "    f()",
        '  File "<pyex 1>", line 2, in f',
        "    return 1 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_a_syntax_error_points_at_the_place():
    assert shell("x = = 1") == '  File "<pyex 1>", line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n'


def test_bindings_survive_the_end_of_the_evaluator():
    printed = shell("""\
        x = 1
        before = self()
        exit("boredom")
        x, self() != before
        """)
    lines = printed.splitlines()
    assert lines[0].startswith("** (EXIT from Pid(")
    assert lines[0].endswith(")) 'boredom'")
    assert lines[1:] == ["(1, True)"]


def test_ends_of_the_evaluator_and_their_reasons():
    printed = shell("""\
        import sys
        sys.exit(3)
        Process.exit(self(), "kill")
        spawn_link(lambda: exit("linked")) and receive()
        raise Exit("raised")
        """)
    reasons = [line.rpartition(")) ")[2] for line in printed.splitlines() if line.startswith("** (EXIT")]
    assert reasons == ["('exit', 3)", "'killed'", "'linked'", "'raised'"]


def test_failing_operations_are_errors_and_the_evaluator_lives_on():
    printed = shell("""\
        before = self()
        send("nobody", 1)
        self() == before
        """)
    assert "NoProcess" in printed.splitlines()[-2]
    assert printed.splitlines()[-1] == "True"


def test_exceptions_that_are_not_errors_are_shown_too():
    printed = shell("""\
        before = self()
        raise GeneratorExit
        raise KeyboardInterrupt
        self() == before
        """)
    assert "GeneratorExit" in printed
    assert printed.endswith("KeyboardInterrupt\nTrue\n")


def test_flush_prints_and_empties_the_mailbox():
    assert shell("""\
        send(self(), "one") and None
        send(self(), ("two", 2)) and None
        flush()
        flush()
        """) == "'one'\n('two', 2)\n"  # fmt: skip


def test_the_users_messages_stay_in_the_mailbox():
    assert shell("send(self(), 'mine') and None\n1\nreceive(timeout=0)") == "1\n'mine'\n"


def test_what_processes_print_comes_in_its_place():
    assert shell("""\
        parent = self()
        pid = spawn(lambda: (print("from the process"), send(parent, "done")))
        receive(timeout=5)
        print("a", end="")
        import sys; print("to stderr", file=sys.stderr)
        """) == "from the process\n'done'\nato stderr\n"  # fmt: skip


def test_crashes_of_processes_are_reported():
    printed = shell("pid, ref = spawn_monitor(lambda: 1 / 0)\nreceive(Down(ref), timeout=5).reason")
    assert "ended: ZeroDivisionError: division by zero" in printed
    assert printed.endswith("Crash(ZeroDivisionError('division by zero'))\n")


def test_exit_and_quit_leave():
    assert shell("1\nexit()\n2") == "1\n"
    assert shell("1\nquit()\n2") == "1\n"
    assert shell("def leave():\n    exit()\n\nleave()\n2") == ""


def test_exit_without_a_call_says_how_to_leave():
    assert shell("exit") == shell("quit") == "exit() or Ctrl-D leaves the shell; exit(reason) ends the evaluation\n"


def test_exit_in_another_process_ends_that_one():
    assert shell("pid, ref = spawn_monitor(lambda: exit())\nreceive(Down(ref), timeout=5).reason") == "'normal'\n"


def test_input_reads_the_lines_that_follow():
    assert shell("name = input('name? ')\njoe\nname") == "name? 'joe'\n"


def test_a_shell_without_its_output_process_leaves():
    # Of the three processes of a shell the output is the second.
    printed = shell("Process.exit(min(p for p in Process.list() if p > self()), 'kill')\n1\n")
    assert printed == "pyex: the process of the prompt has ended: 'the output process has ended'\n"


def test_processes_and_threads_ask_for_the_lines_that_follow():
    printed = shell("""\
        p, me = self(), lambda: send(p, input("who? "))
        spawn(me) and receive(timeout=5)
        joe
        spawn(me, thread=True) and receive(timeout=5)
        jim
        import threading
        threading.Thread(target=me).start() or receive(timeout=5)
        jo
        """)
    asked, answers = zip(*(line.split(" asks: who? ") for line in printed.splitlines()), strict=True)
    assert answers == ("'joe'", "'jim'", "'jo'")
    assert all(one.startswith("Pid(") for one in asked)


def test_at_the_end_of_the_input_processes_are_told_so():
    printed = shell("""\
        pid, ref = spawn_monitor(lambda: input("who? ")); receive(Down(ref), timeout=5).reason
        """)
    assert printed.startswith("Pid(")
    assert printed.endswith("\nCrash(EOFError('no more input'))\n")


def test_the_rest_of_the_input_can_be_read():
    assert shell("import sys; sys.stdin.read()\nthe rest") == "'the rest'\n"
    assert "only the shell's own process" in shell("""\
        import sys
        pid, ref = spawn_monitor(lambda: sys.stdin.buffer); receive(Down(ref), timeout=5).reason
        """)


def test_an_unfinished_block_at_the_end_is_evaluated():
    assert shell("def f():\n    return 5") == ""
    assert "SyntaxError" in shell("x = (")


def test_inspect_finds_the_source():
    assert shell("""\
        def f():
            return 1

        import inspect
        inspect.getsource(f)
        """) == "'def f():\\n    return 1\\n'\n"  # fmt: skip


def test_classes_and_pickles_find_their_module():
    assert shell("""\
        from dataclasses import dataclass
        @dataclass
        class Point:
            x: int

        import pickle
        pickle.loads(pickle.dumps(Point(3)))
        send(self(), Point(4)) and receive()
        """) == "Point(x=3)\nPoint(x=4)\n"  # fmt: skip


def test_future_imports_stay_on():
    assert shell("""\
        from __future__ import annotations
        def f(x: not_defined): pass

        f.__annotations__
        """) == "{'x': 'not_defined'}\n"  # fmt: skip


def test_a_plain_thread_prints_too():
    assert shell("""\
        import threading
        t = threading.Thread(target=lambda: print("from a thread"))
        t.start(); t.join()
        """) == "from a thread\n"  # fmt: skip


def test_long_values_are_cut():
    assert "more characters)" in shell("'x' * 20_000")


def test_the_evaluation_and_processes_take_lines_in_turn():
    assert shell("""\
        p = self()
        pid = spawn(lambda: send(p, (receive(), input()))); name = input(); send(pid, 1) and receive(tuple)
        mine
        its
        name
        """).endswith(" asks: (1, 'its')\n'mine'\n")  # fmt: skip
