"""The report about code that holds its scheduler."""

import sys

import pytest

from tests.core.support import program


def reported(code):
    """Run a program in which calls block for SECONDS: for longer ones, if the machine is too busy for a report meanwhile."""
    for seconds in (0.6, 3, 15):
        done = program(code.replace("SECONDS", str(seconds)))
        if done.returncode or "holds its scheduler" in done.stderr:
            break
    return done


def test_a_call_that_blocks_is_reported_once_with_its_line_and_the_remedy():
    done = reported("""
    import linecache
    source = "def nap():\\n    time.sleep(SECONDS)\\n"
    linecache.cache["nap.py"] = (len(source), None, source.splitlines(True), "nap.py")
    exec(compile(source, "nap.py", "exec"))
    for _ in range(3):
        pid, ref = spawn_monitor(nap, name="sleeper")
        receive(Down(ref))
    """)
    assert done.returncode == 0
    assert done.stderr.count("holds its scheduler") == 1, done.stderr
    assert "('sleeper') holds its scheduler: it is at nap.py:2, in nap: time.sleep(" in done.stderr
    assert "blocking(fn, *args)" in done.stderr
    assert "spawn(..., thread=True)" in done.stderr


def test_code_of_the_shell_is_not_blamed_but_who_called_it():
    done = reported("""
    import linecache
    def put(name, file, source):
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        space = {"__name__": name, "time": time}
        exec(compile(source, file, "exec"), space)
        return space["nap"]
    nap = put("shell.keeper", "keeper.py", "def nap():\\n    time.sleep(SECONDS)\\n")
    for fn in (nap, lambda: put("mine", "mine.py", "def nap(ask):\\n    ask()\\n")(nap)):
        _, ref = spawn_monitor(fn)
        receive(Down(ref))
    """)
    assert done.stderr.count("holds its scheduler") == 1, done.stderr
    assert "it is at mine.py:2, in nap: ask()" in done.stderr


def test_code_that_can_be_interrupted_is_not_reported():
    done = program("""
    def hog():
        while True:
            pass
    def busy():
        while True:
            sleep(0)
    pids = [spawn(hog) for _ in range(2)] + [spawn(busy)]
    time.sleep(0.5)
    """)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_stands_still_in_the_runtime_waits_for_its_turn_and_is_not_reported():
    done = program("""
    import queue
    from pyex.core import messaging
    messaging.expect_time = queue.SimpleQueue().get  # stays there for as long as the sleep was to be
    pid, ref = spawn_monitor(lambda: sleep(0.6))
    print(type(receive(Down(ref)).reason.exception).__name__)
    """)
    assert (done.returncode, done.stdout) == (0, "Empty\n")
    assert "holds its scheduler" not in done.stderr, done.stderr


def test_a_thread_of_its_own_holds_nothing():
    done = program("""
    pid, ref = spawn_monitor(time.sleep, 0.4, thread=True)
    receive(Down(ref))
    """)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="3.11 has no monitoring tools")
def test_when_nothing_can_be_interrupted_that_is_said_once_and_processes_give_way_by_themselves():
    done = program("""
    for tool in range(6):
        sys.monitoring.use_tool_id(tool, str(tool))
    def polite(parent):
        for _ in range(100): sleep(0)
        send(parent, "done")
    for _ in range(3): spawn(polite, self())
    for _ in range(3): assert receive(timeout=10) == "done"
    """)
    assert done.returncode == 0
    assert done.stderr.count("cannot be interrupted") == 1, done.stderr
