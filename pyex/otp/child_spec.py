"""What a supervisor needs to know of a child: ``ChildSpec``, checked where it is written."""

from __future__ import annotations

import difflib
import functools
import math
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, NoReturn, TypeAlias

from pyex import Pid, PyexError, expect_plain, spawn_link

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
Shutdown: TypeAlias = float | Literal["brutal_kill"] | None
ChildType: TypeAlias = Literal["worker", "supervisor"]

RESTARTS: Final = ("permanent", "transient", "temporary")
TYPES: Final = ("worker", "supervisor")

_BY_TYPE: Final[Any] = ...


class SupervisorError(PyexError, ValueError):
    """A supervisor refuses what it was given or asked for; ``reason`` is OTP's word for it (``"not_found"``)."""

    def __init__(self, reason: Any, message: str | None = None) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message if self.message is not None else repr(self.reason)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How a supervisor starts, restarts and stops one child.

    >>> ChildSpec("counter", start=(Counter.start_link, (10,)), restart="transient")

    - ``id`` is what the supervisor knows the child by, whatever its pid is at the time.
    - ``start`` is a function and its arguments, called in the supervisor: it starts a process linked to its caller
      and returns the pid, or None for a child that is not wanted now. What it raises is why the start failed.
    - ``restart``: a ``"permanent"`` child is started again whenever it ends, a ``"transient"`` one when it ends
      abnormally (with another reason than ``normal``, ``shutdown`` or ``("shutdown", ...)``), a ``"temporary"`` one never.
    - ``shutdown``: the seconds a child has to end when it is stopped, after which it is killed; None for as long as
      it takes (what supervisors have, unless they are given another), ``"brutal_kill"`` to kill at once.
    - ``type``: ``"worker"`` or ``"supervisor"``.
    - ``significant``: whether its own end may shut the supervisor down (see ``auto_shutdown``).

    Raises ``SupervisorError`` (a ``ValueError``) for what cannot be meant.
    """

    id: Any
    start: tuple[Callable[..., Any], tuple[Any, ...]]
    restart: Restart = "permanent"
    shutdown: Shutdown = _BY_TYPE
    type: ChildType = "worker"
    significant: bool = False

    def __post_init__(self) -> None:
        try:
            hash(self.id)
        except TypeError:
            raise SupervisorError(
                ("invalid_child_id", self.id), f"a child's id can be looked up, so {self.id!r} is none. Take a str"
            ) from None
        object.__setattr__(self, "start", _checked_start(self.start))
        expect_one_of("invalid_restart_type", "restart", self.restart, RESTARTS)
        expect_one_of("invalid_child_type", "type", self.type, TYPES)
        if self.shutdown is _BY_TYPE:
            object.__setattr__(self, "shutdown", 5 if self.type == "worker" else None)
        _check_shutdown(self.shutdown)
        if not isinstance(self.significant, bool):
            raise SupervisorError(
                ("invalid_significant", self.significant), f"significant is True or False, not {self.significant!r}"
            )
        if self.significant and self.restart == "permanent":
            raise SupervisorError(
                ("bad_combination", (("restart", "permanent"), ("significant", True))),
                f"the child {self.id!r} is significant and permanent: its end would shut the supervisor down, but it is "
                "always started again. Give it restart='transient' or 'temporary'",
            )

    @classmethod
    def of(cls, child: Any, **changes: Any) -> ChildSpec:
        """The specification of whatever can be a child, with some of its fields changed.

        A child is a class with a ``child_spec`` (every behaviour has one), a tuple of such a class and the arguments of
        its ``init``, a function, or a tuple of a function and its arguments (a process that runs it), a
        ``ChildSpec``, or a dict of the fields of one.

        >>> ChildSpec.of((Counter, 10), id="tens", restart="transient")
        """
        _expect_fields(changes)
        if isinstance(child, ChildSpec):
            return replace(child, **changes) if changes else child
        if isinstance(child, dict):
            return _of_dict({**child, **changes})
        first, *args = child if isinstance(child, tuple) and child else (child,)
        if isinstance(first, type):
            spec = _of_class(first, args)
        elif callable(first):
            spec = _of_function(first, args)
        else:
            _refuse(child)
        return replace(spec, **changes) if changes else spec


_FIELDS: Final = tuple(field.name for field in fields(ChildSpec))


def class_spec(cls: type, args: tuple[Any, ...], options: dict[str, Any], **defaults: Any) -> ChildSpec:
    """For the ``child_spec`` of a behaviour: a child that ``cls.start_link(*args, **options)`` starts.

    Options that are fields of a ``ChildSpec`` are taken as such, before the ``defaults`` of the class. Its id is its
    name, if it is given one, else that of the class.
    """
    chosen = {name: options[name] for name in _FIELDS if name in options}
    rest = {name: value for name, value in options.items() if name not in chosen}
    start_link: Any = cls.start_link  # type: ignore[attr-defined]
    start = functools.partial(start_link, **rest) if rest else start_link
    given = {"id": rest.get("name") or cls.__name__, "start": (start, args), **defaults, **chosen}
    return ChildSpec(**given)


def check_children(children: Any) -> list[ChildSpec]:
    """The specifications of a supervisor's children, in order; refuses two with one id."""
    if isinstance(children, ChildSpec | dict | str | type) or not isinstance(children, Iterable):
        raise SupervisorError(
            ("bad_start_spec", children),
            f"a supervisor takes a list of children, not {children!r}. Write [{_shown(children)}]",
        )
    if isinstance(children, tuple) and children and callable(children[0]) and not all(map(callable, children)):
        raise SupervisorError(
            ("bad_start_spec", children), f"a supervisor takes a list of children. For the one: [{_shown(children)}]"
        )
    specs = [ChildSpec.of(child) for child in children]
    seen = set()
    for spec in specs:
        if spec.id in seen:
            raise SupervisorError(
                ("duplicate_child_name", spec.id),
                f"two children have the id {spec.id!r}. Give one of them another: "
                "Supervisor.child_spec(child, id=...), or a dict or ChildSpec with an id",
            )
        seen.add(spec.id)
    return specs


def expect_one_of(word: str, what: str, value: Any, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of those there are, with the nearest."""
    if not isinstance(value, str) or value not in known:
        choices = ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"
        raise SupervisorError((word, value), f"{what} is {choices}, not {value!r}{_did_you_mean(value, known)}")


def _did_you_mean(value: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(value.lower(), known, n=1) if isinstance(value, str) else []
    return f". Did you mean {near[0]!r}?" if near else ""


def _expect_fields(given: Iterable[Any]) -> None:
    for name in given:
        if name not in _FIELDS:
            raise SupervisorError(
                ("invalid_child_spec", name),
                f"a child specification has no {name!r}; it has {', '.join(_FIELDS)}{_did_you_mean(name, _FIELDS)}",
            )


def _of_dict(given: dict[Any, Any]) -> ChildSpec:
    _expect_fields(given)
    for name in ("id", "start"):
        if name not in given:
            raise SupervisorError(
                f"missing_{name}",
                f"the child specification {given!r} has no {name!r}. "
                "It needs both: {'id': 'counter', 'start': (Counter.start_link, (10,))}",
            )
    return ChildSpec(**given)


def _of_class(cls: type, args: Iterable[Any]) -> ChildSpec:
    make = getattr(cls, "child_spec", None)
    if make is None:
        _refuse_class(cls)
    spec = make(*args)
    if isinstance(spec, dict):
        return _of_dict(spec)
    if not isinstance(spec, ChildSpec):
        raise SupervisorError(
            ("invalid_child_spec", spec),
            f"{cls.__qualname__}.child_spec gave {spec!r}, which is no ChildSpec and no dict",
        )
    return spec


def _refuse_class(cls: type) -> NoReturn:
    if hasattr(cls, "start_link"):
        hint = f"Write ChildSpec({cls.__name__!r}, start=({cls.__qualname__}.start_link, ()))"
    else:
        hint = (
            f"Derive it from GenServer (class {cls.__name__}(GenServer)), which gives it start_link and child_spec, "
            "or give a function that the child's process is to run"
        )
    raise SupervisorError(
        ("invalid_child_spec", cls),
        f"the class {cls.__qualname__} has no child_spec, so a supervisor cannot start it. {hint}",
    )


def _of_function(fn: Callable[..., Any], args: list[Any]) -> ChildSpec:
    owner = getattr(fn, "__self__", None)
    if isinstance(owner, type) and getattr(fn, "__name__", "") in ("start_link", "start", "child_spec"):
        child = f"({', '.join([owner.__qualname__, *map(repr, args)])})" if args else owner.__qualname__
        raise SupervisorError(
            ("invalid_child_spec", fn), f"a supervisor calls {fn.__qualname__} itself: give the class, as in [{child}]"
        )
    try:
        expect_plain("a supervisor", fn)
    except TypeError as refusal:
        raise SupervisorError(("invalid_child_spec", fn), str(refusal)) from None
    return ChildSpec(_name_of(fn), (spawn_link, (fn, *args)))


def _name_of(fn: Any) -> str:
    while isinstance(fn, functools.partial):
        fn = fn.func
    return getattr(fn, "__name__", None) or type(fn).__name__


def _refuse(child: Any) -> NoReturn:
    if isinstance(child, Pid):
        hint = "A supervisor starts its children itself: give what to start, without calling it"
    elif isinstance(child, tuple) and child and isinstance(child[0], Pid):
        hint = "A supervisor starts its children itself: give the class, without calling start_link"
    elif isinstance(child, types.ModuleType):
        hint = f"A module is none; perhaps a class in it is: {child.__name__}.Something"
    elif isinstance(child, list):
        hint = "Lists are not nested: a supervisor below another is Supervisor.child_spec([...])"
    else:
        hint = "A child is a class like Counter, a tuple (Counter, 10), a function, a dict or a ChildSpec"
    raise SupervisorError(("invalid_child_spec", child), f"{child!r} cannot be a child. {hint}")


def _checked_start(start: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """``start`` with its arguments as a tuple; refuses what cannot be called so."""
    if isinstance(start, tuple | list) and len(start) == 2:
        fn, args = start
        if isinstance(fn, type) and hasattr(fn, "start_link"):
            hint = f"a class is not called. Write ({fn.__qualname__}.start_link, {args!r})"
        elif isinstance(fn, Pid):
            hint = "it has been called already. Leave that to the supervisor: (Counter.start_link, (10,))"
        elif not callable(fn):
            hint = f"{fn!r} cannot be called"
        elif not isinstance(args, tuple | list):
            hint = f"the arguments are a tuple. Write ({_shown(fn)}, ({args!r},))"
        else:
            return fn, tuple(args)
    elif callable(start):
        hint = f"its arguments are missing. Write ({_shown(start)}, ())"
    elif isinstance(start, tuple | list) and len(start) == 3 and isinstance(start[1], str):
        cls, name, args = start
        args = tuple(args) if isinstance(args, tuple | list) else (args,)
        hint = f"not a module or class, a name and arguments. Write ({_shown(cls)}.{name}, {args!r})"
    else:
        hint = f"it is {start!r}"
    raise SupervisorError(
        ("invalid_start", start), f"start is a function and its arguments, (Counter.start_link, (10,)): {hint}"
    )


def _check_shutdown(shutdown: Any) -> None:
    if shutdown is None or shutdown == "brutal_kill":
        return
    if isinstance(shutdown, int | float) and not isinstance(shutdown, bool) and 0 <= shutdown < math.inf:
        return
    hint = (
        ". None is without limit" if shutdown in ("infinity", math.inf) else _did_you_mean(shutdown, ("brutal_kill",))
    )
    raise SupervisorError(
        ("invalid_shutdown", shutdown),
        f"shutdown is a number of seconds, None for no limit, or 'brutal_kill', not {shutdown!r}{hint}",
    )


def _shown(child: Any) -> str:
    """As one would write it."""
    if isinstance(child, tuple):
        return f"({', '.join(map(_shown, child))})"
    return getattr(child, "__qualname__", None) or repr(child)
