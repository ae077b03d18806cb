"""Looking at objects without running their code: no properties, no ``__getattr__``, no hash or equality of theirs.

What an object's class does when it is asked is that class's own affair, and not for a completion to set off. So
everything here goes past the object, to the dictionaries of its class and its own. ``inspect.getattr_static`` comes
close, but hashes classes by their metaclass.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Final

#: There is no such attribute, or only user code could tell its value.
UNKNOWN: Final = object()

_mro_of: Final = type.__dict__["__mro__"].__get__
_dict_of: Final = type.__dict__["__dict__"].__get__
_name_of: Final = type.__dict__["__name__"].__get__

_FUNCTIONS: Final = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)


def mro(cls: type) -> tuple[type, ...]:
    """The classes that a class looks for attributes in."""
    order: tuple[type, ...] = _mro_of(cls)
    return order


def is_a(obj: Any, cls: type) -> bool:
    """``isinstance`` by the real class: not by a ``__class__`` that the object makes up."""
    return any(one is cls for one in mro(type(obj)))


def kind_is(obj: Any, *kinds: type) -> bool:
    """Whether exactly one of these is the class; ``in`` would let a metaclass compare."""
    cls = type(obj)
    return any(cls is kind for kind in kinds)


def class_name(cls: type) -> str:
    """The name of a class, whatever its metaclass says."""
    return str(_name_of(cls))


def own_attributes(obj: Any) -> dict[str, Any]:
    """The dictionary of an object, if it has one; a copy of what has names."""
    if is_a(obj, type):
        return _named(_dict_of(obj))
    for cls in mro(type(obj)):
        descriptor: Any = _named(_dict_of(cls)).get("__dict__")
        if kind_is(descriptor, types.GetSetDescriptorType, types.MemberDescriptorType):
            return _named(descriptor.__get__(obj))
        if descriptor is not None:
            break  # made up
    return {}


def _named(names: Any) -> dict[str, Any]:
    items = types.MappingProxyType.items(names) if type(names) is types.MappingProxyType else dict.items(names)
    for _ in range(3):
        try:
            return {name: value for name, value in items if type(name) is str}
        except RuntimeError:
            pass  # another thread has just added one
    return {}


def attribute_names(obj: Any) -> Iterator[str]:
    """The names of an object's attributes, as far as dictionaries tell; never what ``__dir__`` makes up."""
    yield from own_attributes(obj)
    if type(obj) is types.ModuleType:
        exported: Any = own_attributes(obj).get("__all__")  # some are loaded when they are asked for
        if kind_is(exported, list, tuple):
            yield from (name for name in [*exported] if type(name) is str)
    for cls in mro(obj)[1:] if is_a(obj, type) else mro(type(obj)):
        yield from _named(_dict_of(cls))


def lookup(obj: Any, name: str) -> Any:
    """The value of an attribute, a method for a function of the class; ``UNKNOWN`` where only code could tell."""
    own = own_attributes(obj)
    if is_a(obj, type):
        for cls in mro(obj):
            found = _named(_dict_of(cls)).get(name, UNKNOWN)
            if found is not UNKNOWN:
                return _of_class(found, obj)
        return UNKNOWN
    for cls in mro(type(obj)):
        found = _named(_dict_of(cls)).get(name, UNKNOWN)
        if found is UNKNOWN:
            continue
        if name in own and kind_is(found, *_FUNCTIONS):
            return own[name]
        return _of_instance(found, obj)
    return own.get(name, UNKNOWN)


def _of_class(found: Any, cls: type) -> Any:
    if type(found) is staticmethod:
        return found.__func__
    if type(found) is classmethod:
        return types.MethodType(found.__func__, cls)
    return UNKNOWN if _computes(found) else found


def _of_instance(found: Any, obj: Any) -> Any:
    if type(found) is types.FunctionType:
        return types.MethodType(found, obj)
    if type(found) is types.MemberDescriptorType:  # a slot, or a field of what is written in C
        try:
            return found.__get__(obj)
        except (AttributeError, TypeError):
            return UNKNOWN  # the slot is empty
    return _of_class(found, type(obj))


def _computes(found: Any) -> bool:
    """Whether a value in a class stands for something that its code works out."""
    return not kind_is(found, *_FUNCTIONS) and any("__get__" in _named(_dict_of(cls)) for cls in mro(type(found)))


def items(obj: Any) -> Iterator[tuple[Any, Any]]:
    """The items of a dictionary, past what its class makes of them."""
    if is_a(obj, dict):
        try:
            yield from [*dict.items(obj)]
        except RuntimeError:
            return  # another thread is adding to it


def plain_text(value: Any, limit: int = 40) -> str | None:
    """The repr of a value of Python's own; None for others, whose repr is code."""
    if value is None or kind_is(value, bool, int, float, complex):
        return repr(value) if type(value) is not int or value.bit_length() < 200 else None
    if kind_is(value, str, bytes):
        return repr(value) if len(value) <= limit else None
    if type(value) is tuple and len(value) <= 4:
        parts = [plain_text(one, limit) for one in value]
        if None not in parts:
            return f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"
    return None
