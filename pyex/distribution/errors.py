"""What can go wrong when a node starts."""

from __future__ import annotations

from pyex.core.errors import PyexError


class NodeNameError(PyexError, ValueError):
    """A node's name is not of the form ``name@host``."""


class NodeStartError(PyexError, OSError):
    """The node could not be started: its name or its port is in use; says what to do."""


class CookieError(PyexError, PermissionError):
    """The cookie cannot be used: it is empty, or others can read its file."""
