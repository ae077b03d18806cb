"""Agent: a process that keeps one value, and runs the functions that it is sent on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Never

from pyex import NotSendable, Pid, expect_plain, set_initial_call, snapshot_call
from pyex.otp import calling
from pyex.otp.child_spec import ChildSpec, class_spec
from pyex.otp.errors import StateLost
from pyex.otp.gen_server import GenServer, log, start_server
from pyex.otp.references import Server
from pyex.otp.reporting import brief
from pyex.otp.results import NoReply, Reply, Stop


class Agent:
    """A process that keeps a value, its state, for others to get and to update.

    What is to be done with the state is a function, which runs in the agent's process; what it is given to
    carry there, and what it returns, is copied like a message.

    >>> agent = Agent.start_link(lambda: [], name="shopping")
    >>> Agent.update(agent, lambda items: [*items, "eggs"])
    >>> Agent.get("shopping", len)
    1
    >>> Agent.get_and_update(agent, lambda items: (items[0], items[1:]))
    'eggs'
    >>> Agent.get(agent, list)
    []

    The functions of ``update`` and ``cast`` return the new state. One that changes the state in place and returns None,
    as ``list.append`` does, is refused: it would leave None as the state.

    >>> Agent.update(agent, lambda items: items.append("milk"))
    Traceback (most recent call last):
    pyex.StateLost: ...

    An agent does one thing at a time: a function that takes long holds up all who use it. A class derived from ``Agent`` has
    the name that a supervisor shows, and functions of its own for its clients.
    """

    #: whether agents of this class have an OS thread each, for functions that block
    thread: ClassVar[bool] = False

    def __init__(self, *args: Never, **options: Never) -> None:
        name = type(self).__qualname__
        raise TypeError(
            f"calling {name} would make an object, not a process: {name}.start_link(lambda: 0) starts an agent"
        )

    @classmethod
    def start_link(cls, fn: Callable[..., Any], *args: Any, **options: Any) -> Pid:
        """Start an agent, linked to this process; what ``fn(*args)`` returns in its process is the state.

        Options and errors are those of ``GenServer.start_link``.

        >>> Agent.get(Agent.start_link(dict, [("a", 1)]), lambda state: state["a"])
        1
        """
        return _start(cls, fn, args, options, link=True)

    @classmethod
    def start(cls, fn: Callable[..., Any], *args: Any, **options: Any) -> Pid:
        """Like ``start_link``, without the link.

        >>> agent = Agent.start(lambda: 40)
        """
        return _start(cls, fn, args, options, link=False)

    @classmethod
    def child_spec(cls, fn: Callable[..., Any], *args: Any, **options: Any) -> ChildSpec:
        """How a supervisor starts an agent: ``start_link(fn, *args)``, with its options and those of ``ChildSpec``.

        >>> Agent.child_spec(dict, name="settings").id
        'settings'
        """
        return class_spec(cls, (fn, *args), options)

    @staticmethod
    def get(agent: Server, fn: Callable[..., Any], *args: Any, timeout: float | None = 5) -> Any:
        """What ``fn(state, *args)`` returns in the agent; the state stays what it is.

        Errors are those of ``GenServer.call``, and ``NotSendable`` for a value that cannot be copied; the agent goes on
        then. What ``fn`` raises ends it.

        >>> Agent.get(agent, lambda n: n + 2)
        42
        """
        return _ask(agent, "get", fn, args, timeout)

    @staticmethod
    def update(agent: Server, fn: Callable[..., Any], *args: Any, timeout: float | None = 5) -> None:
        """Let ``fn(state, *args)`` be the new state, and wait until it is.

        Raises ``StateLost`` (a ``TypeError``) if that is None where the state was not; the agent keeps the object it had.

        >>> Agent.update(agent, lambda n, more: n + more, 2)
        """
        _ask(agent, "update", fn, args, timeout)

    @staticmethod
    def get_and_update(agent: Server, fn: Callable[..., Any], *args: Any, timeout: float | None = 5) -> Any:
        """``fn(state, *args)`` returns ``(value, new state)``; the value is returned here.

        >>> Agent.get_and_update(agent, lambda n: (n, n + 1))
        42
        """
        return _ask(agent, "get_and_update", fn, args, timeout)

    @staticmethod
    def cast(agent: Server, fn: Callable[..., Any], *args: Any) -> None:
        """Like ``update``, without waiting: also if there is no such agent. A None is reported in the log.

        >>> Agent.cast(agent, lambda n: n * 2)
        """
        fn, args = _carried("cast", fn, args)
        calling.cast(agent, (fn, *args))

    @staticmethod
    def stop(agent: Server, reason: Any = "normal", timeout: float | None = None) -> None:
        """End an agent and wait until it has ended, as ``GenServer.stop`` does.

        >>> Agent.stop(agent)
        """
        calling.stop(agent, reason, timeout)


class _Keeper(GenServer):
    """The process of an agent."""

    def init(self, cls: type[Agent], fn: Callable[..., Any], *args: Any) -> None:
        set_initial_call(cls)  # what its user has started; that is what tables of processes are to show
        self.state = fn(*args)

    def handle_call(self, request: Any, caller: calling.Caller) -> Reply | NoReply | Stop:
        kind, fn, *args = request
        if kind == "get":
            return _answer(caller, fn(self.state, *args))
        result = fn(self.state, *args)
        if kind == "update":
            if result is None and self.state is not None:
                return Reply(("error", StateLost(_lost(fn, self.state))))
            self.state = result
            return Reply(("ok", None))
        if not isinstance(result, tuple) or len(result) != 2:
            words = f"the function given to Agent.get_and_update returns (value, new state), not {brief(result)}"
            return Reply(("error", TypeError(words)))
        value, state = result
        answer = _answer(caller, value)
        if type(answer) is NoReply:
            self.state = state
        return answer

    def handle_cast(self, request: Any) -> None:
        fn, *args = request
        result = fn(self.state, *args)
        if result is None and self.state is not None:
            log.error("Agent %r was cast a function that lost its state: %s", self(), _lost(fn, self.state))
        else:
            self.state = result


def _answer(caller: calling.Caller, value: Any) -> Reply | NoReply:
    """Give the answer; a value that cannot be sent is the asker's mistake, which costs nobody the state."""
    try:
        calling.reply(caller, ("ok", value))
    except NotSendable as refusal:
        return Reply(("error", refusal))
    return NoReply()


def _start(
    cls: type[Agent], fn: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], *, link: bool
) -> Pid:
    if not callable(fn):
        raise TypeError(
            f"{cls.__qualname__}.start_link takes a function that makes the state, not the state: "
            f"start_link(lambda: {brief(fn)})"
        )
    expect_plain(f"{cls.__qualname__}.start_link", fn)
    fn, args = snapshot_call(fn, args)
    pid = start_server(cls, _Keeper, (cls, fn, *args), options, link=link)
    assert pid is not None  # there is nothing that could ignore
    return pid


def _ask(agent: Server, kind: str, fn: Callable[..., Any], args: tuple[Any, ...], timeout: float | None) -> Any:
    fn, args = _carried(kind, fn, args)
    answer, value = calling.call(agent, (kind, fn, *args), timeout)
    if answer == "error":
        raise value
    return value


def _carried(kind: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What goes to the agent: a function shares nothing with it, as little as one that is spawned."""
    if not callable(fn):
        raise TypeError(f"Agent.{kind} takes a function of the state, like lambda state: state, not {brief(fn)}")
    expect_plain(f"Agent.{kind}", fn)
    return snapshot_call(fn, args)


def _lost(fn: Callable[..., Any], state: Any) -> str:
    return (
        f"{getattr(fn, '__qualname__', brief(fn))} returned None, which would replace the state, {brief(state)}. It returns "
        "the new state; what changes a list or dict in place returns None. Write lambda items: [*items, new], or "
        "lambda settings: {**settings, key: value}"
    )
