"""Objects and functions between nodes: by cloudpickle, between nodes that have proved to share the cookie.

What an importable module defines travels by its name; what was typed at a prompt, or stands in a script,
travels whole, with the globals it uses. Identifiers in it are translated as everywhere on the wire.
"""

from __future__ import annotations

import builtins
import io
import linecache
import pickle
import types
from collections.abc import Callable
from typing import Any, cast

import cloudpickle
from cloudpickle.cloudpickle import _extract_code_globals

from pyex.core.errors import NotSendable
from pyex.core.ids import Identifier
from pyex.core.isolation import Shared


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle, with our identifiers, and with the names that lie beneath a shell's bindings."""

    def __init__(self, file: io.BytesIO, identify: Callable[[Identifier], Any]) -> None:
        super().__init__(file)
        self._identify = identify
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
            make, args = cloudpickle.Pickler.dispatch_table[types.CodeType](obj)
            return _code_of_file, (obj.co_filename, make, args)
        reduced = super().reducer_override(obj)
        if reduced is not NotImplemented and isinstance(obj, types.FunctionType | type):
            self.has_code = True
            if isinstance(obj, types.FunctionType):
                _add_names_beneath(obj, reduced)
                self._add_source(obj.__code__.co_filename)
        return reduced

    def _add_source(self, name: str) -> None:
        known = linecache.cache.get(name)
        if name.startswith("<") and known is not None and len(known) == 4:
            self.sources[name] = known[2]


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


class Unpickler(pickle.Unpickler):
    """The reverse."""

    def __init__(self, file: io.BytesIO, resolve: Callable[[Any], Any]) -> None:
        super().__init__(file)
        self._resolve = resolve

    def persistent_load(self, pid: Any) -> Any:
        """An identifier, as it is on this node."""
        return self._resolve(pid)


def dump(obj: Any, identify: Callable[[Identifier], Any]) -> tuple[bytes, bool]:
    """Pickle an object; also whether there is bytecode in it.

    Raises ``NotSendable`` (a ``TypeError``) for what cannot leave this node.
    """
    file = io.BytesIO()
    pickler = Pickler(file, identify)
    try:
        pickler.dump(obj)
        pickler.dump(pickler.sources)
    except NotSendable:
        raise
    except RecursionError:
        raise NotSendable("the message is nested too deeply to be sent to another node") from None
    except Exception as error:  # whatever the class of some object does when it is pickled
        raise NotSendable(f"{_brief(obj)} cannot be sent to another node: {error}") from error
    return file.getvalue(), pickler.has_code


def load(data: bytes, resolve: Callable[[Any], Any]) -> Any:
    """Unpickle; runs code, so only in the process that the message is for."""
    unpickler = Unpickler(io.BytesIO(data), resolve)
    obj = unpickler.load()
    for name, lines in unpickler.load().items():  # tracebacks here show them, as where they were typed
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
    return obj


def _brief(obj: Any) -> str:
    try:
        text = repr(obj)
    except Exception:  # its own affair
        text = f"a {type(obj).__qualname__}"
    return text if len(text) <= 80 else text[:77] + "..."
