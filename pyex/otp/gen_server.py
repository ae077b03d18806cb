"""GenServer: a process that keeps state and answers requests."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Never

import pyex
from pyex import Pid
from pyex.otp import calling, serving
from pyex.otp.child_spec import ChildSpec, class_spec
from pyex.otp.errors import UnknownRequest
from pyex.otp.references import Destination, Name, Server, whereis
from pyex.otp.results import Continue, Hibernate, Ignore, NoReply, Reply, Stop, Timeout
from pyex.otp.starting import start

log = logging.getLogger("pyex.otp")


class GenServer:
    """A server."""

    __slots__ = ("_clock", "_parent")

    #: whether its processes have threads of their own, for callbacks that block
    thread: ClassVar[bool] = False

    _parent: Pid
    _clock: serving.Clock | None

    def __init__(self, *args: Never, **options: Never) -> None:
        cls = type(self).__qualname__
        raise TypeError(f"{cls} is a server: {cls}.start_link(...) starts a process of it, and init gets the arguments")

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__init__ is not GenServer.__init__:
            raise TypeError(f"{cls.__qualname__} defines __init__; of a server that is init, which start_link calls")

    def __call__(self) -> Pid:
        return pyex.self()

    @classmethod
    def start(cls, *args: Any, name: Name | None = None, timeout: float | None = None, **options: Any) -> Pid | Any:
        """Start."""
        options.setdefault("thread", cls.thread)
        return start(serving.run, cls, args, who=cls.__qualname__, name=name, timeout=timeout, **options)

    @classmethod
    def start_link(
        cls, *args: Any, name: Name | None = None, timeout: float | None = None, **options: Any
    ) -> Pid | Any:
        """Start, linked."""
        options.setdefault("thread", cls.thread)
        return start(serving.run, cls, args, who=cls.__qualname__, name=name, link=True, timeout=timeout, **options)

    @classmethod
    def child_spec(cls, *args: Any, **options: Any) -> ChildSpec:
        """How a supervisor starts it."""
        return class_spec(cls, args, options)

    def init(self, *args: Any) -> Timeout | Continue | Hibernate | Ignore | Stop | None:
        """Begin."""
        if args:
            raise TypeError(f"{type(self).__qualname__} has no init, which would take {args!r}")
        return None

    def handle_call(self, request: Any, caller: calling.Caller) -> Reply | NoReply | Stop:
        """Answer."""
        raise UnknownRequest(
            f"{type(self).__qualname__} was called with {request!r}, which its handle_call does not know"
        )

    def handle_cast(self, request: Any) -> NoReply | Stop | None:
        """Take."""
        raise UnknownRequest(f"{type(self).__qualname__} was cast {request!r}, which its handle_cast does not know")

    def handle_info(self, message: Any) -> NoReply | Stop | None:
        """Any other message."""
        log.error("%s %r got a message it does not know: %r", type(self).__qualname__, pyex.self(), message)
        return None

    def handle_continue(self, term: Any) -> NoReply | Stop | None:
        """Go on."""
        raise UnknownRequest(f"{type(self).__qualname__} was to continue with {term!r}, which it does not know")

    def terminate(self, reason: Any) -> None:
        """End."""

    call = staticmethod(calling.call)
    cast = staticmethod(calling.cast)
    reply = staticmethod(calling.reply)
    stop = staticmethod(calling.stop)
    multi_call = staticmethod(calling.multi_call)
    abcast = staticmethod(calling.abcast)

    @staticmethod
    def whereis(server: Server) -> Destination | None:
        """Its pid."""
        return whereis(server)
