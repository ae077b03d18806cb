"""What a program prints that ends because its main thread's process was ended."""

from tests.core.support import program


def test_an_exit_over_a_link_says_so_and_what_to_do_instead():
    done = program("""
        import logging

        def ask():
            receive("never")

        logging.getLogger("pyex").setLevel(logging.CRITICAL)
        child = spawn_link(lambda: 1 / 0)
        print(repr(child))
        ask()
    """)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if "/pyex/core/" in line or "During handling" in line] == []
    assert lines.count(lines[0]) == 1
    assert lines[-2] == "pyex.core.errors.Terminated: Crash(ZeroDivisionError('division by zero'))"
    assert lines[-1].startswith(f"This process ended because {done.stdout.strip()}, which it was linked to, crashed. ")
    assert "trap_exit" in lines[-1]


def test_of_everything_else_tells_who_did_before():
    done = program("""
        sys.excepthook = lambda kind, error, trace: print("mine:", repr(error))
        self()
        1 / 0
    """)
    assert (done.stdout, done.stderr) == ("mine: ZeroDivisionError('division by zero')\n", "")
