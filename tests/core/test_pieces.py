"""A thread that became a process and was ended: usable again once the code has returned that was ended, and not before."""

import subprocess
import sys
import textwrap

from tests.core.support import ROOT, SOON, program

#: What is typed at a prompt, or stands in the cells of a notebook.
PIECES = [
    "from pyex import *; import logging; logging.getLogger('pyex').setLevel(logging.CRITICAL)",
    "me = self()",
    "child = spawn_link(exit, 'over')",
    "receive('never')",
    "print(self() == me, Process.alive(me))",
    "print(send(self(), 'hello') and receive())",
]


def typed(*lines):
    text = "\n".join(lines) + "\n"
    done = subprocess.run(
        [sys.executable, "-i", "-q"],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=SOON * 4,
        check=False,
    )
    return done.stdout, done.stderr


def test_at_pythons_prompt_there_is_one_report_and_then_a_new_process():
    out, err = typed(*PIECES)
    assert out == "False False\nhello\n"
    assert err.count("Terminated: over") == 1


def test_so_it_is_where_code_runs_what_is_typed():
    done = program(f"""
        import code

        prompt = code.InteractiveInterpreter({{}})
        for piece in {PIECES!r}:
            prompt.runsource(piece)
    """)
    assert done.stdout == "False False\nhello\n"
    assert done.stderr.count("Terminated: over") == 1


def test_and_in_tests_of_which_one_was_ended(tmp_path):
    (tmp_path / "test_some.py").write_text(
        textwrap.dedent("""
            import pytest, pyex
            from pyex import *

            @pytest.mark.xfail(raises=pyex.Terminated, strict=True)
            def test_one():
                spawn_link(exit, "over")
                receive("never")

            def test_another():
                assert send(self(), "hello") and receive() == "hello"
        """)
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SOON * 4, check=False)
    assert "1 passed, 1 xfailed" in done.stdout, done.stdout


def test_13b_the_code_itself_is_told_again_in_its_finally_blocks_and_in_what_they_call():
    done = program("""
        import code, logging

        logging.getLogger("pyex").setLevel(logging.CRITICAL)

        def ended(what):
            try:
                what()
            except pyex.Terminated as exit:
                print(exit.reason)

        def piece():
            spawn_link(exit, "over")
            ended(receive)  # by now the frame that has been ended is gone; its callers are not
            ended(lambda: sleep(10))
            ended(lambda: receive(timeout=0))
            print(me == self())

        me = self()
        code.InteractiveInterpreter({"piece": piece}).runsource("piece()")
        print(me == self())
    """)
    assert done.stdout == "over\n" * 3 + "True\nFalse\n", done.stderr
