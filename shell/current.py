"""Which shell a helper is called in: the one whose evaluator this process is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyex

if TYPE_CHECKING:
    from shell.state import Shell

#: The shells of this interpreter, by their evaluators.
shells: Final[dict[pyex.Pid, Shell]] = {}


class Leave(BaseException):
    """Raised by ``exit()`` in the evaluator: leave the shell."""


def shell_here() -> Shell | None:
    """The shell whose evaluator this process is, or None."""
    return shells.get(pyex.self())


def this_shell(what: str) -> Shell:
    """The shell whose evaluator this process is; raises where there is none, naming what was wanted."""
    shell = shell_here()
    if shell is None:
        raise RuntimeError(f"{what} works at the prompt: {pyex.self()!r} is no shell's own process")
    return shell


def width_here() -> int | None:
    """The columns of the terminal of this process's shell, or None."""
    shell = shell_here()
    return None if shell is None else shell.screen.width()


def bindings_here() -> dict[str, Any]:
    """What the user of this shell has bound; nothing where there is no shell."""
    shell = shell_here()
    return {} if shell is None else {name: value for name, value in vars(shell.module).items() if name[:2] != "__"}
