"""How the objects of a type are measured: whether they count, how large one is, where the walk goes on.

No code of users runs for it: a ``__sizeof__`` written in Python is not called, nor anything a metaclass defines.
"""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import enum
import functools
import gc
import logging
import threading
import types
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from greenlet import greenlet

from pyex.core.carrier import Parcel
from pyex.core.frames import values_of

#: An object's own bytes, and what it holds.
Measured = tuple[int, list[Any]]

#: Of these, and of what derives from them, nothing counts: code, or everybody's, or the system's.
_NOT_COUNTED: Final = (
    type, types.ModuleType, types.CodeType, types.MethodDescriptorType, types.WrapperDescriptorType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.MappingProxyType, enum.Enum, greenlet,
    logging.Filterer, threading.Thread, type(threading.Lock()), type(threading.RLock()), threading.local,
    asyncio.AbstractEventLoop, asyncio.BaseTransport, asyncio.Handle, contextvars.ContextVar, contextvars.Token,
)  # fmt: skip

#: The classes of these modules of the runtime are values that processes have; of its others nothing counts.
_VALUES: Final = ("ids", "messages", "errors", "crash", "process_info", "process_api")
_RUNTIME: Final = ("pyex.core.", "pyex.distribution.", "shell.")

#: What most objects are; found here without being looked at.
_EVERYDAY: Final = (
    int, float, complex, bool, type(None), str, bytes, bytearray, list, tuple, dict, set, frozenset, deque, range, slice,
    types.CellType, types.MethodType, types.BuiltinFunctionType, memoryview,
)  # fmt: skip

EVERYDAY: Final = frozenset(map(id, _EVERYDAY))

_BUILTINS: Final = vars(builtins)
_GC_HEAD: Final = 16
_HEAP_TYPE: Final = 1 << 9
_MANAGED_DICT: Final = 1 << 4
_HAS_GC: Final = 1 << 14

_mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_module: Callable[[type], Any] = type.__dict__["__module__"].__get__
_name: Callable[[type], str] = type.__dict__["__name__"].__get__
_namespace: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_flags: Callable[[type], int] = type.__dict__["__flags__"].__get__


class Kind:
    """How objects of one type are measured."""

    __slots__ = ("attributes", "counts", "measure", "type")

    def __init__(self, of: type) -> None:
        #: held: its id is to stay its own
        self.type = of
        bases = _mro(of)
        self.measure: Callable[[Any], Measured] | None = _MEASURES.get(id(of))
        self.counts = self.measure is not None or not (_NOT_COUNTED_IDS.intersection(map(id, bases)) or _is_runtime(of))
        #: its attributes lie beside the object, and nothing but this tells of their bytes
        self.attributes = bool(_flags(of) & _MANAGED_DICT)
        if self.measure is None and self.counts:
            numpy = next((base for base in bases if _is_array(base)), None)
            if numpy is not None:
                self.measure = functools.partial(_measure_array, numpy)
            else:
                self.measure = _distrusted(of, bases)


def _is_runtime(of: type) -> bool:
    module = _module(of)
    if type(module) is not str or not module.startswith(_RUNTIME):
        return False
    return not (module.startswith("pyex.core.") and module.rpartition(".")[2] in _VALUES)


def _distrusted(of: type, bases: tuple[type, ...]) -> Callable[[Any], Measured] | None:
    """None if ``sys.getsizeof`` does for it; else what does in the place of a ``__sizeof__`` written by a user."""
    first = True
    for base in bases:
        sizeof = _namespace(base).get("__sizeof__")
        if type(sizeof) is types.MethodDescriptorType:
            return None if first else functools.partial(_measure_by, sizeof, _flags(of) & _HAS_GC)
        first = first and sizeof is None
    return None


def _measure_by(sizeof: Callable[[Any], int], has_gc: int, obj: Any) -> Measured:
    return sizeof(obj) + (_GC_HEAD if has_gc else 0), gc.get_referents(obj)


def _measure_function(fn: types.FunctionType) -> Measured:
    # One of a module or a class is code; one made by a call has what that call gave it.
    if "<locals>" not in fn.__qualname__:
        return 0, []
    names = fn.__globals__
    held = [part for part in gc.get_referents(fn) if type(part) is tuple or type(part) is dict]
    return fn.__sizeof__() + _GC_HEAD, [part for part in held if part is not names and part is not _BUILTINS]


def _measure_cache(cache: Any) -> Measured:
    """The cache of a function of a module is everybody's."""
    held = gc.get_referents(cache)
    functions = [part for part in held if type(part) is types.FunctionType]
    if functions and all("<locals>" not in fn.__qualname__ for fn in functions):
        return 0, []
    return object.__sizeof__(cache) + _GC_HEAD, held


def _measure_frame(frame: types.FrameType) -> Measured:
    """Of a traceback that is kept; who called whom there is not asked."""
    if is_runtime(frame):
        return 0, []
    return frame.__sizeof__() + _GC_HEAD, values_of(frame)


def _measure_generator(generator: Any) -> Measured:
    """Suspended; what its frame holds it tells itself, also when there is an object for that frame."""
    held = [part for part in gc.get_referents(generator) if type(part) is not types.FrameType]
    return generator.__sizeof__() + _GC_HEAD, held


def is_runtime(frame: types.FrameType) -> bool:
    """Whether what the frame's variables hold is the runtime's."""
    name = frame.f_globals.get("__name__")
    return type(name) is str and name.startswith(_RUNTIME)


def _measure_parcel(parcel: Parcel) -> Measured:
    return object.__sizeof__(parcel) + _GC_HEAD, [parcel._data]


def _is_array(base: type) -> bool:
    module: Any = _module(base)
    return type(module) is str and module == "numpy" and _name(base) == "ndarray"


def _measure_array(array: Any, obj: Any) -> Measured:
    """An array of numpy, which does not tell the collector what it refers to."""
    fields = _namespace(array)
    held = [fields["base"].__get__(obj)]
    if fields["dtype"].__get__(obj).hasobject:
        held += fields["tolist"](fields["ravel"](obj))
    return fields["__sizeof__"](obj), held


_NOT_COUNTED_IDS: Final = frozenset(map(id, _NOT_COUNTED))

_MEASURES: Final[dict[int, Callable[[Any], Measured]]] = {
    id(types.FunctionType): _measure_function,
    id(functools._lru_cache_wrapper): _measure_cache,
    id(types.FrameType): _measure_frame,
    id(types.GeneratorType): _measure_generator,
    id(types.CoroutineType): _measure_generator,
    id(types.AsyncGeneratorType): _measure_generator,
    id(Parcel): _measure_parcel,
}
