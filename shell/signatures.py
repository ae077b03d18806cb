"""The signatures of callables, read without running code: no annotation is evaluated, no repr is called."""

from __future__ import annotations

import inspect
import re
import types
from typing import Any, Final, NamedTuple

from shell.static import UNKNOWN, class_name, is_a, kind_is, lookup, own_attributes, plain_text


class Parameter(NamedTuple):
    """One parameter of a function."""

    name: str
    #: as it stands in the signature: ``timeout: float | None = 5``
    text: str
    #: it can be given by its name
    by_name: bool


_TEXT: Final = re.compile(r"^\((?P<inside>.*)\)$", re.DOTALL)
_IN_C: Final = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType,
)  # fmt: skip


def parameters(fn: Any) -> list[Parameter] | None:
    """The parameters of a callable, without the one that is bound; None if they cannot be told."""
    bound = 0
    for _ in range(20):  # a chain that somebody has closed to a ring ends
        if is_a(fn, types.MethodType):
            fn, bound = types.MethodType.__dict__["__func__"].__get__(fn), 1
        elif type(fn) is types.FunctionType:
            wrapped = own_attributes(fn).get("__wrapped__", UNKNOWN)
            if wrapped is UNKNOWN:
                return _of_function(fn)[bound:]
            fn = wrapped
        elif is_a(fn, type):
            return _of_class(fn)
        elif kind_is(fn, *_IN_C):
            return _of_text(fn, bound)
        else:
            fn = lookup(fn, "__call__")
            if fn is UNKNOWN or not is_a(fn, types.MethodType):
                return None
    return None


def signature(fn: Any) -> str | None:
    """``(parameters)`` of a callable, as text."""
    found = parameters(fn)
    if found is None:
        return None
    return f"({', '.join(one.text for one in found)})"


def returns(fn: Any) -> type | None:
    """The class that a function says it returns, where it says so by a name."""
    if is_a(fn, types.MethodType):
        fn = types.MethodType.__dict__["__func__"].__get__(fn)
    if type(fn) is not types.FunctionType:
        return None
    annotation = fn.__annotations__.get("return")
    if type(annotation) is str:
        annotation = fn.__globals__.get(annotation)
    return annotation if annotation is not None and is_a(annotation, type) else None


def _of_class(cls: type) -> list[Parameter] | None:
    for name in ("__init__", "__new__"):
        made_by = lookup(cls, name)
        if type(made_by) is types.FunctionType:
            return _of_function(made_by)[1:]
    return None


def _of_function(fn: types.FunctionType) -> list[Parameter]:
    code = fn.__code__
    names = code.co_varnames
    positional, by_name_only = code.co_argcount, code.co_kwonlyargcount
    defaults = fn.__defaults__ or ()
    by_keyword = fn.__kwdefaults__ or {}
    notes = fn.__annotations__
    rest = positional + by_name_only
    found = []
    for index in range(positional):
        place = index - (positional - len(defaults))
        default = defaults[place] if place >= 0 else UNKNOWN
        name = names[index]
        found.append(Parameter(name, _text(name, notes, default), index >= code.co_posonlyargcount))
    if code.co_flags & inspect.CO_VARARGS:
        found.append(Parameter(names[rest], _text(names[rest], notes, UNKNOWN, "*"), False))
        rest += 1
    elif by_name_only:
        found.append(Parameter("*", "*", False))
    named = names[positional : positional + by_name_only]
    found += [Parameter(name, _text(name, notes, by_keyword.get(name, UNKNOWN)), True) for name in named]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found.append(Parameter(names[rest], _text(names[rest], notes, UNKNOWN, "**"), False))
    return found


def _text(name: str, notes: dict[str, Any], default: Any, stars: str = "") -> str:
    note = notes.get(name)
    text = stars + name
    if type(note) is str:
        text += f": {note}"
    elif note is not None and is_a(note, type):
        text += f": {class_name(note)}"
    if default is UNKNOWN:
        return text
    shown = plain_text(default) or "..."
    return f"{text} = {shown}" if note is not None else f"{text}={shown}"


def _of_text(fn: Any, bound: int) -> list[Parameter] | None:
    """The signature that a function written in C carries."""
    carried: Any = type(fn).__dict__.get("__text_signature__")
    text = carried.__get__(fn) if carried is not None else None
    found = _TEXT.match(text) if type(text) is str else None
    if found is None:
        return None
    parts = [part.strip() for part in found["inside"].split(",") if part.strip()]
    if parts and (parts[0].startswith("$") or bound):
        parts = parts[1:]
    last_by_place = parts.index("/") if "/" in parts else -1
    return [
        Parameter(re.split(r"[=:]", part)[0], part, index > last_by_place and re.match(r"[a-z]\w*", part) is not None)
        for index, part in enumerate(parts)
    ]
