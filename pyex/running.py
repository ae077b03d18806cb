"""``pyex.run``: a program's main function, or its supervision tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pyex.core.running import run as run_function

if TYPE_CHECKING:
    from pyex.otp.child_spec import ChildSpec
    from pyex.otp.supervisor_spec import SupervisorSpec

T = TypeVar("T")


@overload
def run(main: Callable[..., T], *args: Any) -> T: ...


@overload
def run(main: SupervisorSpec | ChildSpec | list[Any] | tuple[Any, ...]) -> None: ...


def run(main: Any, *args: Any) -> Any:
    """Run ``main(*args)`` as a process on this thread and return its value; or run a supervision tree, as a service.

    Of a function it raises what that raises, and ``Exit(reason)`` when it exited or was killed. Inside a process that
    was spawned or run it simply calls ``main`` there. Meanwhile what processes print, log and ask for with ``input()``
    goes to their group leaders, if they have one: where they were spawned, for those that other nodes start here.

    >>> pyex.run(lambda: send(self(), "hello") and receive())
    'hello'

    A **tree** is a supervisor's class, a tuple of one and its arguments, a ``SupervisorSpec``, a list of children, or
    whatever else can be a child. It is started, and served until it ends. SIGTERM and SIGINT (Ctrl-C) stop it in
    order, children in reverse, each within its own time, and ``run`` returns None; a second signal does not wait for
    that. If it ends by itself, with another reason than ``normal``, that is raised as ``Exit(reason)``: ``shutdown``, if
    there were too many restarts. ``StartError`` is raised if it could not be started. From the command line: ``pyex
    module:tree``.

    >>> pyex.run(Shop)
    """
    if isinstance(main, type) and hasattr(main, "child_spec"):
        main = (main, *args)
    elif callable(main):
        return run_function(main, *args)
    elif args:
        raise TypeError(f"{main!r} takes no arguments here. A class with arguments is a tuple: (Shop, 1)")
    from pyex.otp import service  # for those that have a tree

    service.expect_tree(main)
    return run_function(service.serve, main)
