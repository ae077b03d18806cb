"""Ctrl-C is let in at the border of user code, never inside the runtime; and exits of a busy main thread."""

import threading

import pytest

from pyex.core.interrupts import Bell, await_ring
from tests.core.support import program

#: Interrupts the program again and again: the next time when it has noticed the last.
INTERRUPTER = """
    import logging
    logging.getLogger("pyex").setLevel(logging.CRITICAL)  # ends are meant here, and not reported
    sys.setswitchinterval(1e-4)

    def interrupt_each(times, gap=0.0005):
        '''A thread that sends one SIGINT after the other, each when the one before has been noticed.'''
        def work():
            for turn in range(times):
                time.sleep(gap)
                before = state["caught"]
                while not state["ready"]:
                    time.sleep(0.0001)
                os.kill(os.getpid(), signal.SIGINT)
                deadline = time.monotonic() + 20
                while state["caught"] == before:
                    if time.monotonic() > deadline:
                        print("an interrupt was lost, after", before, flush=True)
                        os._exit(7)
                    time.sleep(0.0001)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def spin():
        count = 0
        while True:
            count += 1

    state = {"caught": 0, "ready": True}
"""


def check(code, timeout=50):
    done = program(INTERRUPTER + code, timeout=timeout)
    assert (done.stdout, done.stderr, done.returncode) == ("ok\n", "", 0)


@pytest.mark.parametrize("adopted", [True, False])
def test_a_thousand_interrupts_in_a_send_loop(adopted):
    """Every one is seen, once, no message is lost or doubled, and messages still flow both ways."""
    check(f"""
    def collect():
        seen = 0
        while True:
            match receive():
                case int() as number:
                    assert number >= seen, (number, seen)
                    seen = number
                case ("how many", caller):
                    send(caller, seen)

    if {adopted}:
        self()
    pid = spawn(collect)
    sent = 0
    state["ready"] = False
    thread = interrupt_each(1000)
    while state["caught"] < 1000:
        try:
            state["ready"] = True
            while True:
                send(pid, sent + 1)
                sent += 1
        except KeyboardInterrupt:
            state["ready"] = False
            state["caught"] += 1
    thread.join()
    for _ in range(100):
        send(pid, ("how many", self()))
        assert receive(timeout=10) in (sent, sent + 1)
    assert state["caught"] == 1000
    time.sleep(0.05)
    print("ok")
    """)


def test_an_interrupt_ends_a_blocked_receive_and_loses_no_message():
    check("""
    def feed(to):
        for number in range(1000):
            send(to, number)
            sleep(0.0002)

    self()
    spawn(feed, self())
    state["ready"] = False
    thread = interrupt_each(200)
    got = []
    while len(got) < 1000:
        try:
            state["ready"] = True
            while True:
                got.append(receive(timeout=10))
                if len(got) == 1000:
                    break
        except KeyboardInterrupt:
            state["ready"] = False
            state["caught"] += 1
    while state["caught"] < 200:
        try:
            state["ready"] = True
            time.sleep(30)
        except KeyboardInterrupt:
            state["ready"] = False
            state["caught"] += 1
    thread.join()
    assert got == list(range(1000)), [i for i, n in enumerate(got) if i != n][:3]
    assert state["caught"] == 200
    print("ok")
    """)


@pytest.mark.parametrize(
    "busy",
    [
        "spin()",
        "time.sleep(30)",
        "receive('never')",
        "receive('never', timeout=30)",
        "sleep(30)",
        "sleep(None)",
        "receive(lambda m: time.sleep(30))",
        "threading.Event().wait(30)",
    ],
)
def test_an_interrupt_ends_what_keeps_the_main_thread(busy):
    check(f"""
    send(self(), "look at me")
    state["ready"] = False
    thread = interrupt_each(1, gap=0.2)
    begin = time.monotonic()
    try:
        state["ready"] = True
        {busy}
    except KeyboardInterrupt:
        state["caught"] += 1
    assert time.monotonic() - begin < 20
    assert receive(timeout=0) == "look at me"
    print("ok")
    """)


@pytest.mark.parametrize("busy", ["spin()", "time.sleep(30)", "receive()", "sleep(None)"])
def test_an_exit_signal_ends_the_busy_main_process_of_run(busy):
    check(f"""
    def main():
        victim = self()
        spawn(lambda: sleep(0.2) or Process.exit(victim, "enough"))
        {busy}

    begin = time.monotonic()
    try:
        pyex.run(main)
    except Exit as error:
        assert error.reason == "enough"
        assert time.monotonic() - begin < 20
        print("ok")
    """)


def test_an_exit_signal_that_comes_too_late_disturbs_nobody():
    check("""
    def main(number):
        victim = self()
        spawn(lambda: Process.exit(victim, "late"))
        for _ in range(number * 10):
            pass

    for number in range(1000):
        try:
            pyex.run(main, number)
        except Exit as error:
            assert error.reason == "late"
    send(self(), "alive")
    assert receive(timeout=1) == "alive"
    print("ok")
    """)


def test_a_handler_of_somebody_elses_stays():
    check("""
    def mine(number, frame):
        state["caught"] += 1
    signal.signal(signal.SIGINT, mine)
    self()
    spawn(int)
    assert signal.getsignal(signal.SIGINT) is mine
    os.kill(os.getpid(), signal.SIGINT)
    assert receive(timeout=0.1, default=None) is None
    assert state["caught"] == 1
    print("ok")
    """)


def test_an_uncaught_interrupt_ends_the_program_as_ever():
    done = program("""
    spawn(receive)
    os.kill(os.getpid(), signal.SIGINT)
    receive()
    """)
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert done.returncode == -2


def test_ctrl_c_is_let_in_while_others_change_the_process():
    done = program(
        """
        from pyex.core.process import processes

        owner = processes[self().key].owner
        owner._applying.acquire()  # as one does who applies a signal, and takes his time
        send(self(), "hello")
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            receive(timeout=0, default=None)
        except KeyboardInterrupt:
            print("interrupted")
        owner._applying.release()
        print(receive())
        """
    )
    assert (done.stdout, done.stderr) == ("interrupted\nhello\n", "")


def test_13_ctrl_c_on_the_way_into_a_wait_ends_it():
    """The signal comes between the interpreter's last look for it and the sleep of the thread."""
    done = program("""
        go = threading.Event()
        def press():
            while True:
                go.wait()
                go.clear()
                end = time.perf_counter() + turn % 40 * 1e-5
                while time.perf_counter() < end: pass
                os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=press, daemon=True).start()
        self()
        missed = 0
        for turn in range(1500):
            try:
                go.set()
                sleep(20)
                missed += 1
                break
            except KeyboardInterrupt:
                pass
        print("missed", missed, flush=True)
        os._exit(0)
    """, timeout=120)  # fmt: skip
    assert done.stdout == "missed 0\n"


class Slow(Bell):
    """It is rung at the tenth look; a signal before that has woken nobody."""

    def __init__(self):
        super().__init__()
        self.looks = []

    def wait(self, seconds):
        self.looks.append(seconds)
        return len(self.looks) == 10 or seconds == threading.TIMEOUT_MAX


def test_13_a_wait_that_ctrl_c_is_to_end_looks_again_by_itself_and_ever_less_often():
    waited, unwatched = Slow(), Slow()
    await_ring(waited, None, interruptible=True)
    assert waited.looks[0] <= 0.01
    assert waited.looks == sorted(waited.looks)
    assert waited.looks[-1] == 1.0
    await_ring(unwatched, None, interruptible=False)
    assert unwatched.looks == [threading.TIMEOUT_MAX]


def test_a_wait_whose_time_is_over_before_a_signals_handler_is_ends_all_the_same():
    """Until 3.12 that of a ``SimpleQueue`` does not: held up at the wrong place, by whatever, it waits for ever."""
    done = program("""
    signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.5))
    for patience in (0.15, 0.3):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert receive(timeout=patience, default="nothing") == "nothing"
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        sleep(patience)
    print("ok")
    """)
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_a_bell_that_was_rung_before_ends_the_next_wait_and_only_that():
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(60)
    assert not bell.wait(0)
    threading.Timer(0.01, bell.ring).start()
    assert bell.wait(60)
