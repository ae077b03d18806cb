"""GenServer: a process that keeps state and answers requests."""

from __future__ import annotations

import difflib
import inspect
import logging
from typing import Any, ClassVar, Final, Never

import pyex
from pyex import NotSendable, Pid, snapshot_call
from pyex.otp import calling, serving, system, versions
from pyex.otp.child_spec import ChildSpec, class_spec
from pyex.otp.errors import UnknownRequest
from pyex.otp.reporting import brief
from pyex.otp.results import Continue, Hibernate, Ignore, NoReply, Reply, Stop, Timeout
from pyex.otp.starting import start

log = logging.getLogger("pyex.otp")

_CALLBACKS: Final = (
    "init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate", "code_change", "format_status",
)  # fmt: skip

_OPTIONS: Final = ("name", "timeout", "priority", "max_heap_size", "thread")


class GenServer:
    """A process that keeps state and answers requests, one after the other.

    Derive a class, and write what is to happen in *callbacks*, which run in the server's process. The state is the
    instance: nobody else can reach it.

    >>> class Stack(GenServer):
    ...     def init(self, *items):
    ...         self.items = list(items)
    ...
    ...     def handle_call(self, request, caller):
    ...         match request:
    ...             case "pop":
    ...                 return Reply(self.items.pop())
    ...             case _:
    ...                 return super().handle_call(request, caller)
    ...
    ...     def handle_cast(self, request):
    ...         match request:
    ...             case ("push", item):
    ...                 self.items.append(item)
    ...             case _:
    ...                 super().handle_cast(request)
    >>> stack = Stack.start_link("hello", name="stack")
    >>> GenServer.cast(stack, ("push", "world"))
    >>> GenServer.call(stack, "pop")
    'world'
    >>> GenServer.call("stack", "pop")
    'hello'

    A **call** waits for an answer, a **cast** does not. Both are found by the server's pid, its name, ``(name, node)``,
    ``("global", name)`` or ``Registry.via(registry, key)``. What a callback does not know it leaves to the class above,
    which refuses it by name.

    Usually the requests are the server's own business, and clients get functions:

    >>> class Account(GenServer):
    ...     @staticmethod
    ...     def deposit(server, amount):
    ...         return GenServer.call(server, ("deposit", amount))
    ...
    ...     def init(self):
    ...         self.balance = 0
    ...
    ...     def handle_call(self, request, caller):
    ...         match request:
    ...             case ("deposit", amount) if amount > 0:
    ...                 self.balance += amount
    ...                 return Reply(self.balance)
    ...             case _:
    ...                 return super().handle_call(request, caller)
    >>> account = Account.start_link()
    >>> Account.deposit(account, 50)
    50

    **Results.** ``handle_call`` returns ``Reply(value)``, ``NoReply()`` (the answer comes later, by
    ``GenServer.reply(caller, value)``) or ``Stop(reason)``; the other callbacks None, ``NoReply()`` or ``Stop(reason)``.
    Anything else ends the server with ``("bad_return_value", value)``. ``Reply`` and ``NoReply`` take a ``then``:
    ``Timeout(seconds)``, ``Continue(term)`` or ``Hibernate()``; so ``NoReply(Timeout(5))``.

    **Errors.** What a callback raises ends the server, as any process; whoever is calling it gets ``ServerDown``, with
    that exception as its cause. A supervisor starts another. The report in the log names the last request and the
    state, as ``format_status`` shows it.

    **The pid.** In a method ``self`` is the instance, so there ``self()`` gives its pid, as it does everywhere.

    Callbacks are plain functions and may wait: ``receive``, ``sleep``, calls of other servers, ``await_(...)`` for what
    asyncio does. Other processes run meanwhile, but not this server. One whose callbacks block in C code says
    ``thread = True`` in its class, and gets an OS thread of its own.
    """

    __slots__ = ("_clock", "_parent", "_traced")

    #: whether servers of this class have an OS thread each, for callbacks that block
    thread: ClassVar[bool] = False

    _clock: serving.Clock | None
    _parent: Pid
    _traced: bool
    #: a class of this name has been defined since
    _stale: ClassVar[bool] = False
    #: where a class was defined, and as which of those that were defined there
    _defined: ClassVar[tuple[str, int]] = ("", 0)

    def __init__(self, *args: Never, **options: Never) -> None:
        cls = type(self).__qualname__
        raise TypeError(
            f"calling {cls} would make an object, not a process. {cls}.start_link(...) starts a server; its init gets the "
            "arguments"
        )

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__init__ is not GenServer.__init__:
            raise TypeError(
                f"{cls.__qualname__} defines __init__, which nobody would call. Call it init: start_link calls that, in the "
                "server's process"
            )
        if "__slots__" in vars(cls):
            raise TypeError(
                f"{cls.__qualname__} defines __slots__; the state of a server is what stands in the instance's __dict__, for "
                "get_state and reports to show"
            )
        for name in _CALLBACKS:
            callback = getattr(cls, name)
            if inspect.iscoroutinefunction(callback) or inspect.isgeneratorfunction(callback):
                raise TypeError(
                    f"{cls.__qualname__}.{name} has to be a plain function: in it, await_(...) waits for a coroutine"
                )
        versions.defined(cls, guest="__guest__" in vars(cls))  # which those have that come by value from other nodes

    @classmethod
    def __supersede__(cls) -> None:
        """The class has been pushed to this node: servers of older ones move to it with their next message."""
        versions.take_over(cls)

    def __call__(self) -> Pid:
        """The pid of the current process: so ``self()`` works in methods too."""
        return pyex.self()

    # Starting

    @classmethod
    def start_link(cls, *args: Any, **options: Any) -> Pid | Any:
        """Start a server, linked to this process, and return its pid once its ``init(*args)`` is done.

        ``name`` registers it first: a ``str``, ``("global", name)`` or ``Registry.via(registry, key)``. ``timeout`` is how
        many seconds ``init`` may take, None for as long as it likes. ``priority``, ``max_heap_size`` and ``thread`` are
        those of ``spawn``. Returns None if ``init`` returns ``Ignore()``.

        Raises ``StartError``, whose ``reason`` is ``("already_started", pid)`` if the name is taken (``init`` does not run
        then), ``"timeout"``, or the reason ``init`` ended with. As the two are linked, that reason also ends this process,
        unless it traps exits.

        >>> counter = Counter.start_link(10, name="counter")
        >>> Counter.start(name="counter")
        Traceback (most recent call last):
        pyex.StartError: Counter could not be started: the name 'counter' is taken ...
        """
        return _start(cls, args, options, link=True)

    @classmethod
    def start(cls, *args: Any, **options: Any) -> Pid | Any:
        """Like ``start_link``, without the link: for a server that is to outlive this process, or be tried out.

        >>> other = Counter.start(20)
        """
        return _start(cls, args, options, link=False)

    @classmethod
    def child_spec(cls, *args: Any, **options: Any) -> ChildSpec:
        """How a supervisor starts a server: ``start_link(*args)``, with its options and those of ``ChildSpec``.

        >>> Counter.child_spec(10, name="tens", restart="transient").id
        'tens'
        """
        return class_spec(cls, args, options)

    # Callbacks, all of them called in the server's process

    def init(self, *args: Any) -> Timeout | Continue | Hibernate | Ignore | Stop | None:
        """Begin with what ``start_link`` was given; whoever starts the server waits until this returns.

        Returns None, or a ``then``, or ``Ignore()`` if the server is not wanted after all, or ``Stop(reason)``. What takes
        long is for ``handle_continue``: return ``Continue(term)``.
        """
        if args:
            raise TypeError(
                f"{type(self).__qualname__} takes no arguments: it has no init(self, ...), but got {args!r}"
            )
        return None

    def handle_call(self, request: Any, caller: calling.Caller) -> Reply | NoReply | Stop:
        """Answer a call. ``caller`` is ``(pid, ref)``; ``GenServer.reply`` takes it, from whatever process."""
        raise UnknownRequest(_unknown(self, "handle_call", "was called with", request))

    def handle_cast(self, request: Any) -> NoReply | Stop | None:
        """Take a cast."""
        raise UnknownRequest(_unknown(self, "handle_cast", "was cast", request))

    def handle_info(self, message: Any) -> NoReply | Stop | None:
        """Take any other message: one that was ``send``-ed, a ``Down``, an ``Exited``, or ``"timeout"``."""
        log.error(
            "%s %r got a message that it has no handle_info for: %s", type(self).__qualname__, self(), brief(message)
        )
        return None

    def handle_continue(self, term: Any) -> NoReply | Stop | None:
        """Go on with what a callback left for later by ``Continue(term)``; no message is looked at before."""
        raise UnknownRequest(_unknown(self, "handle_continue", "was to continue with", term))

    def terminate(self, reason: Any) -> None:
        """Clean up, as the server ends: after ``Stop`` or ``GenServer.stop``, or because a callback has raised.

        Also when the process that has started it with a link ends, if the server traps exits
        (``Process.flag("trap_exit", True)``). Not when it is killed, nor by an exit signal that it does not trap.
        """

    def code_change(self, old: type[GenServer]) -> None:
        """Adapt the attributes, which those of an instance of ``old`` are: the class has been defined anew.

        Servers that run move to the new class with their next message; on other nodes, once it is pushed to these.
        """

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        """What to show of the server in reports and by ``get_status``: hide secrets here, shorten what is long.

        ``status`` has the ``state``, a dict of the attributes, and the last ``message`` and the ``reason`` of an end, or None.
        """
        return status

    # What clients use

    call = staticmethod(calling.call)
    cast = staticmethod(calling.cast)
    reply = staticmethod(calling.reply)
    stop = staticmethod(calling.stop)
    multi_call = staticmethod(calling.multi_call)
    abcast = staticmethod(calling.abcast)
    whereis = staticmethod(calling.whereis)

    # What one uses to look into a server

    get_state = staticmethod(system.get_state)
    replace_state = staticmethod(system.replace_state)
    get_status = staticmethod(system.get_status)
    suspend = staticmethod(system.suspend)
    resume = staticmethod(system.resume)
    trace = staticmethod(system.trace)


def _start(cls: type[GenServer], args: tuple[Any, ...], options: dict[str, Any], *, link: bool) -> Pid | None:
    if cls is GenServer:
        verb = "start_link" if link else "start"
        shown = ", ".join(brief(arg) for arg in args[1:])
        name = args[0].__qualname__ if args and isinstance(args[0], type) else "Counter"
        raise TypeError(f"GenServer.{verb} starts no server by itself: write {name}.{verb}({shown})")
    cls = versions.current(cls)
    try:
        return start_server(cls, cls, args, options, link=link)
    except NotSendable:
        snapshot_call(cls.init, args)  # says it with the names that the caller knows
        raise


def start_server(
    cls: Any, server: type[GenServer], args: tuple[Any, ...], options: dict[str, Any], *, link: bool
) -> Pid | None:
    """Start the ``server`` that a behaviour's class ``cls`` stands for, with the options its user has given."""
    for option in options:
        if option not in _OPTIONS:
            near = difflib.get_close_matches(option, _OPTIONS, n=1)
            hint = f"Did you mean {near[0]}?" if near else "Arguments are given without names: start_link(10)"
            raise TypeError(f"start_link and start have no option {option!r}: there are {', '.join(_OPTIONS)}. {hint}")
    if cls.thread:
        options.setdefault("thread", True)
    return start(serving.run, server, args, who=cls.__qualname__, link=link, **options)


def _unknown(server: GenServer, callback: str, what: str, request: Any) -> str:
    cls = type(server)
    hint = "has no case for it" if callback in vars(cls) else f"has no {callback}"
    return f"{cls.__qualname__} {what} {brief(request)}, and {hint}"
