"""Objects and functions between nodes: by cloudpickle, between nodes that have proved to share the cookie.

What an importable module defines travels by its name; what was typed at a prompt, or stands in a script,
travels whole, with the globals it uses: as bytecode to a node of the same Python, as source to one of another. Identifiers in
it are translated as everywhere on the wire.
"""

from __future__ import annotations

import builtins
import dataclasses
import enum
import inspect
import io
import linecache
import pickle
import types
from collections.abc import Callable
from typing import Any, cast

import cloudpickle
from cloudpickle.cloudpickle import (
    _DYNAMIC_CLASS_TRACKER_BY_CLASS,
    _DYNAMIC_CLASS_TRACKER_BY_ID,
    _extract_code_globals,
    _get_or_create_tracker_id,
    _make_skeleton_class,
)

from pyex.core.errors import NotSendable
from pyex.core.ids import Identifier
from pyex.core.isolation import Shared
from pyex.distribution import source
from pyex.distribution.blame import blamed
from pyex.distribution.fitting import Accepting


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle, with our identifiers, and with the names that lie beneath a shell's bindings."""

    def __init__(self, file: io.BytesIO, identify: Callable[[Identifier], Any], *, portable: bool = False) -> None:
        super().__init__(file)
        self._identify = identify
        #: code goes as source, and the text of each file once
        self._portable = portable
        self._texts: dict[str, str] = {}
        #: whether bytecode is among what was pickled
        self.has_code = False
        #: the lines of that code, where they are in no file: what was typed at a prompt
        self.sources: dict[str, list[str]] = {}

    def persistent_id(self, obj: Any) -> Any:
        """Identifiers are written as the wire has them."""
        if isinstance(obj, Identifier):
            return self._identify(obj)
        if isinstance(obj, Shared):
            raise NotSendable(f"{obj!r} cannot leave this node: share() passes a reference within a node")
        if isinstance(obj, io.IOBase):
            raise NotSendable(f"{obj!r} cannot leave this node: an open file belongs to its process")
        return None

    def reducer_override(self, obj: Any) -> Any:
        """Notice code that travels by value, and give functions the names they find in their builtins."""
        if isinstance(obj, types.CodeType):
            if self._portable:
                return source.rebuild, source.describe(obj, self._texts)
            make, args = cloudpickle.Pickler.dispatch_table[types.CodeType](obj)
            return _code_of_file, (obj.co_filename, make, args)
        if isinstance(obj, types.MethodType) and _is_found_by_name(obj):
            return getattr, (obj.__self__, obj.__func__.__name__)  # else its code would go along, whosever that is
        reduced = super().reducer_override(obj)
        if reduced is not NotImplemented and isinstance(obj, types.FunctionType | type):
            self.has_code = True
            if self._portable and isinstance(obj, type) and dataclasses.is_dataclass(obj):
                reduced = _without_generated(obj, reduced)
            if isinstance(obj, type) and len(reduced) == 6:  # not so the types of None and the like
                reduced = _made_once(obj, reduced)
            if isinstance(obj, types.FunctionType):
                _add_names_beneath(obj, reduced)
                self._add_source(obj.__code__.co_filename)
        return reduced

    def _add_source(self, name: str) -> None:
        known = linecache.cache.get(name)
        if name.startswith("<") and known is not None and len(known) == 4:
            self.sources[name] = known[2]


def _is_found_by_name(method: types.MethodType) -> bool:
    name = getattr(method.__func__, "__name__", None)
    found = inspect.getattr_static(method.__self__, name, None) if isinstance(name, str) else None
    return method.__func__ in (found, getattr(found, "__func__", None))


def _code_of_file(name: str, make: Callable[..., types.CodeType], args: tuple[Any, ...]) -> types.CodeType:
    """Code under the name of its file, which cloudpickle (since 3.1.3) leaves out, and tracebacks want."""
    return make(*args).replace(co_filename=name)


def _add_names_beneath(fn: types.FunctionType, reduced: Any) -> None:
    """A shell's own names lie in the builtins of its functions, where another node does not have them."""
    beneath = cast("Any", fn).__builtins__
    if beneath is builtins.__dict__:
        return
    carried = reduced[2][1]["__globals__"]
    for name in _extract_code_globals(fn.__code__):
        if name not in fn.__globals__ and name in beneath and beneath[name] is not builtins.__dict__.get(name):
            carried[name] = beneath[name]


def _made_once(cls: type, reduced: Any) -> Any:
    """A class as a guest, which the other node makes when it comes first, and knows again.

    It has ``__guest__`` in its namespace from the first. Cloudpickle would make another one each time, and throw it away.
    """
    make, args, state, items, pairs, set_state = reduced
    identity = _get_or_create_tracker_id(cls)
    if make is _make_skeleton_class:
        constructor, name, bases, attributes, *rest = args
        args = (constructor, name, bases, {**attributes, "__guest__": True}, *rest)
    return _class_of, (identity, make, args), (identity, set_state, state), items, pairs, _complete


def _class_of(identity: str, make: Callable[..., type], args: tuple[Any, ...]) -> type:
    known: type | None = _DYNAMIC_CLASS_TRACKER_BY_ID.get(identity)
    return make(*args) if known is None else known


def _complete(cls: type, state: Any) -> None:
    identity, set_state, inner = state
    if _DYNAMIC_CLASS_TRACKER_BY_CLASS.get(cls) != identity:
        return  # another one was pushed since, and is what this one has become
    if not isinstance(cls, enum.EnumMeta) and "__guest__" not in vars(cls):
        return  # it is from here, and comes back
    set_state(cls, inner)


class Unpickler(pickle.Unpickler):
    """The reverse."""

    def __init__(self, file: io.BytesIO, resolve: Callable[[Any], Any]) -> None:
        super().__init__(file)
        self._resolve = resolve

    def persistent_load(self, pid: Any) -> Any:
        """An identifier, as it is on this node."""
        return self._resolve(pid)


def _without_generated(cls: type, reduced: Any) -> Any:
    """A dataclass without the methods that were made for it, which have no source: the other Python makes its own."""
    make, args, (attributes, slots), items, pairs, set_state = reduced
    attributes = {name: value for name, value in attributes.items() if not _is_generated(name, value)}
    made: Any = cls
    fields = {name: _field(field) for name, field in made.__dataclass_fields__.items()}
    known = inspect.signature(dataclasses.dataclass).parameters
    options = {
        name: getattr(made.__dataclass_params__, name) for name in known if hasattr(made.__dataclass_params__, name)
    }
    options.pop("slots", None)  # they are there already
    options.pop("weakref_slot", None)
    return make, args, ((attributes, slots), set_state, fields, options), items, pairs, _set_dataclass


def _is_generated(name: str, value: Any) -> bool:
    made = inspect.unwrap(value) if isinstance(value, types.FunctionType) else value
    file = getattr(getattr(made, "__code__", None), "co_filename", None)
    return name in ("__dataclass_fields__", "__dataclass_params__") or file in ("<string>", dataclasses.__file__)


def _field(field: Any) -> dict[str, Any]:
    names = ("default", "default_factory", "init", "repr", "hash", "compare", "kw_only")
    return {name: value for name in names if (value := getattr(field, name)) is not dataclasses.MISSING}


def _set_dataclass(cls: Any, state: Any) -> None:
    """What a dataclass is completed by, on the other side."""
    if "__dataclass_fields__" in vars(cls):
        return  # it has come before, or is from here
    inner, set_state, fields, options = state
    set_state(cls, inner)
    for name, field in fields.items():
        if name in vars(cls).get("__annotations__", ()):
            setattr(cls, name, dataclasses.field(**field))
    dataclasses.dataclass(**options)(cls)


class CodeRefusedError(Exception):
    """This node takes no code."""


def dump(obj: Any, identify: Callable[[Identifier], Any], *, portable: bool = False) -> tuple[bytes, bool]:
    """Pickle an object, ``portable`` to another Python too; also whether there is code in it.

    Raises ``NotSendable`` (a ``TypeError``) for what cannot leave this node.
    """
    try:
        return _dump(obj, identify, portable)
    except NotSendable:
        raise
    except RecursionError:
        raise NotSendable("the message is nested too deeply to be sent to another node") from None
    except Exception as error:  # whatever the class of some object does when it is pickled
        name = blamed(obj, lambda part: _dump(part, identify, portable))
        raise NotSendable(f"{name} cannot be sent to another node: {error}") from None


def _dump(obj: Any, identify: Callable[[Identifier], Any], portable: bool) -> tuple[bytes, bool]:
    file = io.BytesIO()
    pickler = Pickler(file, identify, portable=portable)
    pickler.dump(obj)
    pickler.dump(pickler.sources)
    return file.getvalue(), pickler.has_code


def load(data: bytes, resolve: Callable[[Any], Any]) -> Any:
    """Unpickle; runs code, so only in the process that the message is for."""
    if not Accepting.code:
        raise CodeRefusedError("this node was started so that it takes no code")
    unpickler = Unpickler(io.BytesIO(data), resolve)
    try:
        obj = unpickler.load()
    except ModuleNotFoundError as error:
        error.add_note(f"Node.push({error.name}) on the node that has it sends it to the others")
        raise
    for name, lines in unpickler.load().items():  # tracebacks here show them, as where they were typed
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
    return obj
