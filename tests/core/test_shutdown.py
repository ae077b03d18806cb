"""The end of the program: in order, whatever processes are at, and with the status it would have had."""

import os

import pytest

from tests.core.support import program, programs

#: How often the program that has everything at once ends; PYEX_EXITS=200 takes some minutes.
EXITS = int(os.environ.get("PYEX_EXITS", "8"))

#: How many of them one test does: the time that a test has is not to depend on how many there are.
AT_A_TIME = 8

KINDS = {
    "nothing": "",
    "used": "self()",
    "parked": "for _ in range(50): spawn(receive)",
    "parked on both sides": "for _ in range(50): spawn_link(receive); spawn_monitor(receive)",
    "sleeping": "for _ in range(50): spawn(sleep, 100)",
    "runnable": """
        def chatter():
            peer = receive(Pid)
            while True:
                send(peer, 1); receive(1)
        one, other = spawn(chatter), spawn(chatter)
        send(one, other); send(other, one)""",
    "spinning in sleep(0)": """
        def spin():
            while True:
                sleep(0)
        for _ in range(5): spawn(spin)""",
    "written to": """
        pid = spawn(lambda: [receive() for _ in range(10**9)])
        threading.Thread(target=lambda: [send(pid, n) for n in range(10**9)], daemon=True).start()
        time.sleep(0.05)""",
    "on threads, parked": "for _ in range(10): spawn(receive, thread=True)",
    "on threads, linked": "for _ in range(10): spawn_link(receive, thread=True)",
    "on threads, with a deadline": """
        def poll():
            while True:
                receive(timeout=0.001, default=None)
        for _ in range(10): spawn(poll, thread=True)""",
    "just started": "[spawn(int) for _ in range(1000)]; [spawn(int, thread=True) for _ in range(10)]",
    "other threads as processes": """
        threading.Thread(target=receive, daemon=True).start()
        threading.Thread(target=lambda: sleep(0.05)).start()""",
    "in run": "pyex.run(lambda: [spawn(receive) for _ in range(10)])",
    "asyncio in a process": """
        import asyncio, logging
        logging.getLogger("pyex.scheduler").setLevel(logging.CRITICAL)  # it holds its scheduler, for long if all is slow
        spawn(lambda: asyncio.run(asyncio.sleep(0.05)))
        time.sleep(0.01)""",
}


@pytest.mark.parametrize("kind", KINDS)
def test_14_the_program_ends_in_order(kind):
    results = programs(KINDS[kind] + "\n", times=3)
    assert {(done.returncode, done.stderr, done.stdout) for done in results} == {(0, "", "")}


@pytest.mark.parametrize("turn", range(max(EXITS // AT_A_TIME, 1)))
def test_14_with_everything_at_once_many_times(turn):
    code = "\n".join("    " + line for kind in KINDS.values() for line in kind_lines(kind))
    results = programs(code, times=AT_A_TIME)
    assert {(done.returncode, done.stderr, done.stdout) for done in results} == {(0, "", "")}


def kind_lines(kind):
    import textwrap

    first, _, rest = kind.partition("\n")
    return [line for line in [first.strip(), *textwrap.dedent(rest).split("\n")] if line.strip()]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("raise ValueError('the end')", 1),
        ("sys.exit(3)", 3),
        ("sys.exit()", 0),
        ("raise SystemExit('words')", 1),
        ("pyex.run(lambda: 1 // 0)", 1),
    ],
)
def test_14_the_exit_status_is_what_it_would_have_been(ending, status):
    done = program(f"""
    spawn(receive)
    spawn(receive, thread=True)
    spawn_link(sleep, 100)
    {ending}
    """)
    assert done.returncode == status
    expected = {"raise ValueError('the end')": "ValueError: the end", "raise SystemExit('words')": "words"}
    assert done.stderr.strip().endswith(
        expected.get(ending, "ZeroDivisionError: integer division or modulo by zero" if "//" in ending else "")
    )


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("ending", ["", "raise ValueError('the end')"])
def test_14_a_process_stuck_in_foreign_code_does_not_keep_the_program(thread, ending):
    done = program(f"""
    spawn(time.sleep, 10**6, thread={thread})
    time.sleep(0.1)
    print("written before", end="")
    {ending}
    """)
    assert done.stdout == "written before"
    assert done.returncode == (1 if ending else 0)
    assert ("the end" in done.stderr) == bool(ending)


def test_14_one_stuck_on_a_thread_keeps_the_exit_status():
    done = program("""
    spawn(time.sleep, 10**6, thread=True)
    sys.exit(3)
    """)
    assert (done.returncode, done.stderr) == (3, "")


def test_14_a_busy_thread_does_not_crash_the_exit():
    results = programs(
        """
    def hog():
        while True:
            pass
    spawn(hog, thread=True)
    """,
        times=4,
    )
    assert {(done.returncode, done.stderr) for done in results} == {(0, "")}


def test_14_processes_end_politely_first():
    done = program("""
    def polite(main):
        Process.flag("trap_exit", True)
        send(main, "ready")
        match receive():
            case ("EXIT", _, reason):
                os.write(1, f"{reason}\\n".encode())

    def careful(main):
        try:
            send(main, "ready")
            receive()
        finally:
            os.write(1, b"finally\\n")

    spawn(polite, self())
    spawn(polite, self(), thread=True)
    spawn(careful, self())
    spawn(careful, self(), thread=True)
    for _ in range(4):
        receive("ready")
    """)
    assert (sorted(done.stdout.split()), done.stderr, done.returncode) == (["finally"] * 2 + ["shutdown"] * 2, "", 0)


def test_14_one_that_ignores_the_polite_word_is_killed():
    done = program("""
    import logging
    logging.getLogger("pyex").setLevel(logging.CRITICAL)  # being killed is worth a report

    def stubborn():
        Process.flag("trap_exit", True)
        send(main, "ready")
        while True:
            receive()
    main = self()
    spawn(stubborn)
    spawn(stubborn, thread=True)
    receive("ready")
    receive("ready")
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_14_processes_that_start_others_as_they_end_do_not_disturb_the_exit():
    done = program("""
        def f(left):
            try:
                send(main, "parked")
                receive()
            finally:
                if left:
                    spawn(f, left - 1, thread=True)
        main = self()
        spawn(f, 2, thread=True)
        receive("parked")
        spawn(f, 2)
        receive("parked")
        print("main ends")
    """)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "main ends\n")


def test_14_the_main_thread_ends_normally_as_a_process():
    done = program("""
    def watch(pid):
        Process.flag("trap_exit", True)
        ref = Process.monitor(pid)
        Process.link(pid)
        send(pid, "watching")
        os.write(1, f"{receive(Down(ref)).reason} {receive(Exited(pid)).reason}\\n".encode())
    spawn(watch, self())
    receive("watching")
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("normal normal\n", "", 0)


def test_14_links_to_main_do_not_disturb_the_exit():
    results = programs(
        """
    import atexit
    def at_exit():
        for _ in range(100000):
            pass
    atexit.register(at_exit)
    for _ in range(20):
        spawn_link(receive)
        spawn_link(receive, thread=True)
    """,
        times=4,
    )
    assert {(done.returncode, done.stderr) for done in results} == {(0, "")}


def test_a_fork_has_no_runtime_and_ends_at_once():
    done = program("""
    import warnings
    warnings.simplefilter("ignore")
    spawn(receive)
    self()
    def fork():
        child = os.fork()
        if child == 0:
            sys.exit(5)
        begin = time.monotonic()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 5
        return time.monotonic() - begin
    assert any(fork() < 1.5 for _ in range(10))
    print("ok")
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("ok\n", "", 0)
