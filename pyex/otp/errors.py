"""What goes wrong between a client and a server."""

from __future__ import annotations

from typing import Any

from pyex import Exit, PyexError


class StartError(PyexError, RuntimeError):
    """A process could not be started; ``reason`` says why.

    ``("already_started", pid)`` if its name is taken, ``"timeout"`` if its ``init`` took too long, else what its ``init``
    stopped with: a ``Crash``, whose exception is the ``__cause__`` of this one, if it raised.
    """

    def __init__(self, reason: Any, message: str | None = None) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message if self.message is not None else repr(self.reason)


class CallTimeout(Exit, TimeoutError):
    """A server did not answer a call in time; says what it was doing. Its answer, should it still come, is dropped."""

    def __init__(self, reason: Any = "timeout", message: str | None = None) -> None:
        super().__init__(reason, message)


class ServerDown(Exit, ConnectionError):
    """A server ended while it was called; ``reason`` is its exit reason, ``__cause__`` the exception it crashed with.

    ``("nodedown", node)`` if it was its node that was lost.
    """


class UnknownRequest(PyexError, NotImplementedError):
    """A server was sent a request that it has no callback for, or that its callback does not know."""


class StateLost(PyexError, TypeError):
    """The function given to ``Agent.update`` returned None, which would have replaced the state."""
