"""``run``: a function as a process on the thread that calls it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pyex.core import streams
from pyex.core.errors import Exit, Terminated
from pyex.core.expecting import expect_plain
from pyex.core.lifecycle import call_and_finish
from pyex.core.runtime import runtime
from pyex.core.threads import new_thread_process, process_here, seated

T = TypeVar("T")


def run(main: Callable[..., T], *args: Any) -> T:
    """Run ``main(*args)`` as a process on this thread and return its value.

    Raises what ``main`` raises, and ``Exit(reason)`` when it exited or was killed. Inside a process that was
    spawned or run it simply calls ``main`` there. Meanwhile what processes print, log and ask for with ``input()``
    goes to their group leaders, if they have one: where they were spawned, for those that other nodes start here.

    >>> pyex.run(lambda: send(self(), "hello") and receive())
    'hello'
    """
    expect_plain("pyex.run", main)
    process = process_here()
    if process is not None and process.initial_call is not None:
        return main(*args)
    if threading.current_thread() is not threading.main_thread():  # which signals reach
        runtime.first()  # whose monitor ends what computes and is to end
    process = new_thread_process(None, None)
    process.initial_call = main
    with streams.process_streams(), seated(process):
        value, error, reason = call_and_finish(process, lambda: main(*args))
    if error is not None and not isinstance(error, Terminated | SystemExit):
        raise error
    if reason != "normal":
        raise Exit(reason)
    return value  # type: ignore[no-any-return]
