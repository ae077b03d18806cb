"""Forks: the child has no runtime, and can start one; its parent notices nothing. (Rule 15.)"""

import sys

import pytest

from tests.core.support import program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

FORK = """
import warnings; warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
def fork(child):
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            child()
            sys.stdout.flush()
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
"""


def run(code, **kwargs):
    done = program(FORK + code, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_15_the_child_has_no_processes_and_no_names():
    assert run("""
pid = spawn(receive, name="one")
fork(lambda: print(Process.list(), Process.registered(), Process.whereis("one")))
print(Process.alive(pid), Process.whereis("one") == pid)
""") == ["[]", "[]", "None", "True", "True"]


def test_15_the_child_traces_nobody_and_its_parent_goes_on():
    assert run("""
pid = spawn(receive, "never")
pyex.trace(pid)
def child():
    child = spawn(receive)
    pyex.trace(child)
    send(child, "to the child's")
    print(receive(pyex.TraceEvent, timeout=10).value.replace(" ", "-"))
fork(child)
send(pid, "to the parent's")
print(receive(pyex.TraceEvent, timeout=10).value.replace(" ", "-"))
""") == ["to-the-child's", "to-the-parent's"]


def test_15_the_child_can_start_a_runtime_of_its_own():
    assert run("""
def echo():
    while True:
        send(receive(), "answer")
parent = spawn(echo)
def child():
    pid = spawn(echo)
    send(pid, self())
    print("child", receive(timeout=5))
    sleep(0.01)
    try:
        pyex.run(lambda: exit("done"))
    except Exit as error:
        print(error.reason)
fork(child)
send(parent, self())
print("parent", receive(timeout=5))
""") == ["child", "answer", "done", "parent", "answer"]


def test_15_a_fork_amid_hogs_and_messages():
    assert run(
        """
def hog():
    while True: pass
def chat(peer):
    while True:
        send(peer, self()); receive()
def echo():
    while True:
        send(receive(), "x")
for _ in range(2): spawn(hog); spawn(chat, spawn(echo)); spawn(chat, spawn(echo), thread=True)
time.sleep(0.05)
def child():
    for _ in range(2): spawn(hog)
    pid = spawn(echo)
    send(pid, self()); assert receive(timeout=5) == "x"
    assert len(Process.list()) == 4
for _ in range(20): fork(child)
print("done")
""",
        timeout=60,
    ) == ["done"]


def test_15_what_other_threads_held_does_not_stop_the_child():
    assert run("""
from pyex.core.threads import this_process
held, over = threading.Event(), threading.Event()
def hold():
    with this_process().owner.alone():
        held.set()
        over.wait()
threading.Thread(target=hold).start()
held.wait()
fork(lambda: print("child", Process.alive(self())))
over.set()
""") == ["child", "True"]


def test_15_a_child_of_a_process_ends_without_the_others():
    assert run("""
def body(parent):
    send(parent, "before")
    fork(lambda: print("child", len(Process.list())))
    send(parent, "after")
spawn(body, self())
print(receive(timeout=5), receive(timeout=5))
""") == ["child", "0", "before", "after"]


def test_15_multiprocessing_by_fork():
    assert run("""
import multiprocessing
context = multiprocessing.get_context("fork")
spawn(receive)
def work(n):
    pid = spawn(lambda: send(receive(), n * n))
    send(pid, self())
    return receive(timeout=5)
with context.Pool(2) as pool:
    print(*pool.map(work, range(5)))
""") == ["0", "1", "4", "9", "16"]
