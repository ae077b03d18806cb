"""The exceptions users meet: one tree under :class:`PyexError`, each also the builtin one would catch."""

from __future__ import annotations

import time
from typing import Any


class PyexError(Exception):
    """The root of every exception pyex raises."""


class Exit(PyexError):
    """Raised by :func:`exit` and by operations that fail because a process is not there.

    Uncaught, it ends the process with ``reason``.
    """

    def __init__(self, reason: Any = "normal", message: str | None = None) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message if self.message is not None else repr(self.reason)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r})"


class NoProcess(Exit, LookupError):
    """There is no such process: a name nobody holds, or a dead pid where a living one is needed."""

    def __init__(self, reason: Any = "noproc", message: str | None = None) -> None:
        super().__init__(reason, message)


class ReceiveTimeout(PyexError, TimeoutError):
    """No message matched within the time given to ``receive``."""


class AwaitTimeout(PyexError, TimeoutError):
    """What was awaited was not done within the time given to ``await_``, and has been cancelled."""


class NotSendable(PyexError, TypeError):
    """A message holds something that cannot be copied to another process; says what and where."""

    #: the node that takes no such thing, if that is why
    node: str | None = None


class NameTaken(PyexError, ValueError):
    """The name is registered already, or the process has another name."""


class NotDistributed(PyexError, RuntimeError):
    """The operation needs a named node, and this one has no name."""


class NodeNameError(PyexError, ValueError):
    """A node's name is not of the form ``name@host``."""


class NodeStartError(PyexError, OSError):
    """The node could not be started: its name or its port is in use; says what to do."""


class CookieError(PyexError, PermissionError):
    """The cookie cannot be used: it is empty, or others can read its file."""


class ConnectError(PyexError, ConnectionError):
    """Another node could not be connected to; says why and what to do."""

    #: the other node was there and refused: another attempt comes to the same
    refused: bool = False


class ErpcError(PyexError, OSError):
    """A call to another node had no outcome: ``reason`` is ``"timeout"`` or ``"noconnection"``.

    The one is a ``TimeoutError`` too, the other a ``ConnectionError``. What the called function itself raises is raised
    as it is.
    """

    reason: str = "noconnection"


class ErpcTimeout(ErpcError, TimeoutError):
    """The other node did not answer in time; what it was asked for may go on there."""

    reason = "timeout"


class ErpcNoConnection(ErpcError, ConnectionError):
    """The other node could not be reached, or was lost before it answered."""


class LockTaken(PyexError, TimeoutError):
    """Another process has the lock, and had it at every attempt."""


class PortError(PyexError, OSError):
    """A program could not be started for a port; says why."""


class ProgramNotFound(PortError, FileNotFoundError):
    """There is no such program, on the PATH or at the path given."""


class Terminated(BaseException):
    """Raised inside a process that received an exit signal, wherever it waits; ``finally`` blocks run.

    Not an ``Exception``, so that ``except Exception`` never swallows an exit. Nobody needs to catch it.
    """

    def __init__(self, reason: Any, linked: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        #: the process whose end it was, if it came over a link
        self.linked = linked
        #: an exit from outside has nothing to do with what the code was about, or the runtime
        self.__suppress_context__ = True
        #: of the exit signal itself: how often it has been raised in its process, and since when it is due
        self.raised = 0
        self.since = time.monotonic()
