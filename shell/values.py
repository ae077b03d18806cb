"""What an expression would be, as far as that can be told without evaluating it."""

from __future__ import annotations

import ast
import types
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from shell.signatures import returns
from shell.static import UNKNOWN, is_a, items, kind_is, lookup, own_attributes

#: Keys and elements that are looked at.
MANY: Final = 10_000

_DISPLAYS: Final = {
    ast.List: list, ast.ListComp: list, ast.Dict: dict, ast.DictComp: dict, ast.Set: set, ast.SetComp: set, ast.Tuple: tuple,
    ast.JoinedStr: str, ast.GeneratorExp: types.GeneratorType,
}  # fmt: skip


class Value(NamedTuple):
    """An object that is there; or, of one that is not, its class."""

    obj: Any
    is_instance: bool = False

    def attribute(self, name: str) -> Value | None:
        """One of its attributes."""
        found = lookup(self.obj, name)
        return None if found is UNKNOWN else Value(found)


def evaluate(text: str, names: Mapping[str, Any]) -> Value | None:
    """The value of an expression of names, attributes, literals, and items of dictionaries and lists."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    try:
        return _value(tree.body, names)
    except RecursionError:
        return None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Value | None:
    if type(node) in _DISPLAYS:
        return Value(_DISPLAYS[type(node)], is_instance=True)
    match node:
        case ast.Name(id=name):
            found = names.get(name, UNKNOWN)
            return None if found is UNKNOWN else Value(found)
        case ast.Constant(value=value):
            return Value(value)
        case ast.Attribute(value=owner, attr=name):
            of = _value(owner, names)
            return of.attribute(name) if of is not None else None
        case ast.Subscript(value=owner, slice=ast.Constant(value=key)):
            of = _value(owner, names)
            return _item(of.obj, key) if of is not None and not of.is_instance else None
        case ast.Call(func=function):
            return _result(_value(function, names))
    return None


def _item(obj: Any, key: Any) -> Value | None:
    if type(key) is int and (is_a(obj, list) or is_a(obj, tuple)):
        getter = list.__getitem__ if is_a(obj, list) else tuple.__getitem__
        try:
            return Value(getter(obj, key))
        except IndexError:
            return None
    for number, (one, value) in enumerate(items(obj)):
        if number > MANY:
            break
        if type(one) is type(key) and kind_is(key, str, int, bytes) and one == key:
            return Value(value)
    return None


def _result(function: Value | None) -> Value | None:
    if function is None or function.is_instance:
        return None
    cls = function.obj if is_a(function.obj, type) else returns(function.obj)
    return Value(cls, is_instance=True) if cls is not None else None


def bindings(module: types.ModuleType) -> dict[str, Any]:
    """All names of a prompt: the user's, and those beneath them."""
    own = own_attributes(module)
    beneath = own.get("__builtins__")
    if type(beneath) is types.ModuleType:
        beneath = own_attributes(beneath)
    names = {name: value for name, value in items(beneath) if type(name) is str}
    names.update(own)
    return names
