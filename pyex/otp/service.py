"""A supervision tree as a program: started, served until a signal of the operating system ends it, stopped in order."""

from __future__ import annotations

import signal
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from pyex import ANY, Crash, Down, Exit, Exited, Pid, Process, Ref, receive, self, send, spawn_monitor
from pyex.otp.child_spec import ChildSpec
from pyex.otp.children import StartFailed, start
from pyex.otp.errors import StartError
from pyex.otp.supervisor import Supervisor
from pyex.otp.supervisor_base import explain
from pyex.otp.supervisor_reports import words
from pyex.otp.supervisor_spec import SupervisorSpec

#: The signals that stop a service.
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_STOP: Final = "$stop"


class _Outcome(NamedTuple):
    """How a service went."""

    #: ``failed`` to start, ``stopped`` on request, or ``ended`` by itself
    how: str
    reason: Any


def serve(tree: Any) -> None:
    """Start a tree and wait until it has ended; SIGTERM and SIGINT (Ctrl-C) stop it in order.

    See ``pyex.run``. Signals are taken on the main thread only; elsewhere a tree runs until it ends.
    """
    spec = root_of(tree)
    token = Ref()
    with _signals() as obey:
        keeper, ref = spawn_monitor(_keep, spec, self(), token)
        obey(keeper)
        got = receive((token, ANY), Down(ref))
    if type(got) is Down:  # there was a second signal
        raise Exit(got.reason, "the service was killed before it had stopped in order")
    how, reason = got[1]
    if how == "failed":
        failure = StartError(reason, f"the service could not be started: {words(reason)}")
        failure.__cause__ = reason.exception if isinstance(reason, Crash) else None
        explain(failure, "the service")
        raise failure
    if how == "ended" and reason != "normal":
        raise Exit(reason, f"the service has ended by itself: {words(reason)}")


def expect_tree(tree: Any) -> None:
    """Refuse what is neither a function nor a tree. Raises ``TypeError``."""
    if not isinstance(tree, SupervisorSpec | ChildSpec | list | tuple | dict):
        raise TypeError(
            f"pyex.run takes a function or a tree, not {tree!r}. Give the function without calling it: pyex.run(main)"
        )


def root_of(tree: Any) -> ChildSpec:
    """What is at the top of a tree, however it is given."""
    if isinstance(tree, list):
        tree = SupervisorSpec(tree)
    if isinstance(tree, SupervisorSpec):
        return ChildSpec("service", (_start_spec, (tree,)), type="supervisor")
    return ChildSpec.of(tree)


def _start_spec(spec: SupervisorSpec) -> Any:
    return Supervisor.start_link(
        [*spec.children],
        strategy=spec.strategy,
        max_restarts=spec.max_restarts,
        max_seconds=spec.max_seconds,
        auto_shutdown=spec.auto_shutdown,
    )


def _keep(spec: ChildSpec, asker: Pid, token: Ref) -> None:
    """The process above the tree: it has started it, and tells how it went."""
    Process.flag("trap_exit", True)
    gone = Process.monitor(asker)
    send(asker, (token, _outcome(spec, gone)))


def _outcome(spec: ChildSpec, gone: Ref) -> _Outcome:
    try:
        root = start(spec)
    except StartFailed as failure:
        return _Outcome("failed", failure.reason)
    if root is None:
        return _Outcome("ended", "normal")  # it did not want to run
    got = receive(Exited(root), _STOP, Down(gone))
    if isinstance(got, Exited):
        return _Outcome("ended", got.reason)
    Process.exit(root, "shutdown")
    reason = receive(Exited(root)).reason
    return _Outcome("stopped" if reason == "shutdown" else "ended", reason)


@contextmanager
def _signals() -> Iterator[Callable[[Pid], None]]:
    """From now on signals are heard, and obeyed once it is known by whom: the first, also one that came before, asks him
    for the tree's end, and the second does not wait for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda _: None
        return
    arrived: SimpleQueue[int | None] = SimpleQueue()

    def note(signum: int, _: types.FrameType | None) -> None:
        arrived.put(signum)  # which may be done in the midst of anything; a send may not

    def pass_on(keeper: Pid) -> None:
        if arrived.get() is not None:
            send(keeper, _STOP)
            if arrived.get() is not None:
                Process.exit(keeper, "kill")

    before = {signum: signal.signal(signum, note) for signum in SIGNALS}
    try:
        yield lambda keeper: threading.Thread(target=pass_on, args=(keeper,), name="pyex-signals", daemon=True).start()
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        arrived.put(None)
        arrived.put(None)
