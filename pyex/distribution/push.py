"""Modules and classes that other nodes lack, or have an older version of."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
import types
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from pyex.core.errors import NotSendable
from pyex.distribution import erpc
from pyex.distribution.service import visible_nodes


class Text(NamedTuple):
    """The source of a module, and the name of its file where it comes from."""

    text: str
    file: str
    is_package: bool


def push(module_or_class: types.ModuleType | type, nodes: Iterable[str] | None = None) -> list[str]:
    """Send a module, or a class, to other nodes, all that are connected or those given; returns their names.

    The same as ``Node.push``, which tells what it raises.

    >>> push(Counter)
    ['bob@127.0.0.1']
    """
    from cloudpickle.cloudpickle import _should_pickle_by_reference  # loaded by those who send code

    what = module_or_class
    if isinstance(what, type) and _should_pickle_by_reference(what):
        what = sys.modules[what.__module__]
    fn: Any
    if isinstance(what, types.ModuleType):
        fn, argument = install_modules, {name: tuple(text) for name, text in _texts(what).items()}
    elif isinstance(what, type):
        fn, argument = install_class, what  # type: ignore[assignment]
    else:
        raise TypeError(f"push takes a module or a class, not {what!r}; functions travel by themselves")
    where = visible_nodes() if nodes is None else [nodes] if isinstance(nodes, str) else list(nodes)
    for outcome in erpc.multicall(where, fn, argument, timeout=None):
        if isinstance(outcome, BaseException):
            raise outcome
    return where


def _texts(module: types.ModuleType) -> dict[str, Text]:
    """The source of a module, of the packages it is in and of its own modules that are loaded; packages first."""
    name = module.__name__
    if name == "__main__":
        raise NotSendable("the module __main__ is not sent: each node has its own. Push a class of it, or a module")
    texts = {name: _text(module)}
    parts = name.split(".")
    parents = [".".join(parts[:count]) for count in range(1, len(parts))]
    inner = sorted(other for other in sys.modules if other.startswith(name + "."))
    for other in (*parents, *inner):
        loaded = sys.modules.get(other)
        if isinstance(loaded, types.ModuleType):
            try:
                texts[other] = _text(loaded)
            except NotSendable:  # it goes without that one, and finds it there or not
                continue
    return dict(sorted(texts.items()))


def _text(module: types.ModuleType) -> Text:
    is_package = hasattr(module, "__path__")
    file = getattr(module, "__file__", None)
    if is_package and file is None:  # one without an __init__
        return Text("", f"<{module.__name__}>", is_package=True)
    loader: Any = getattr(module.__spec__, "loader", None)
    try:
        text = loader.get_source(module.__name__) if hasattr(loader, "get_source") else inspect.getsource(module)
    except (ImportError, OSError, TypeError):
        text = None
    if text is None:
        raise NotSendable(f"the module {module.__name__} cannot be sent to other nodes: its source is not known here")
    return Text(text, file or f"<{module.__name__}>", is_package)


# On the other node


class _Loader(importlib.abc.ExecutionLoader):
    """Loads a module from the text that another node has sent."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def get_source(self, fullname: str) -> str:
        """Its text; for tracebacks too."""
        return self._text.text

    def get_filename(self, fullname: str) -> str:
        """The name its file has where it comes from."""
        return self._text.file

    def is_package(self, fullname: str) -> bool:
        """Whether there can be modules in it."""
        return self._text.is_package


class _Finder(importlib.abc.MetaPathFinder):
    """Finds what other nodes have sent, before what is on the disk."""

    def __init__(self) -> None:
        self.texts: dict[str, Text] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module of that name, if one was sent."""
        text = self.texts.get(fullname)
        if text is None:
            return None
        return importlib.util.spec_from_loader(fullname, _Loader(text), origin=text.file, is_package=text.is_package)


_finder: Final = _Finder()

#: Classes of a prompt that other nodes have sent: by module and name.
_classes: dict[tuple[str, str], type] = {}


def install_modules(texts: dict[str, tuple[Any, ...]]) -> None:
    """Make modules importable here; those that are loaded are loaded anew, and their classes updated in place."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    old = {name: _finder.texts.get(name) for name in texts}
    _finder.texts.update({name: Text(*text) for name, text in texts.items()})
    try:
        for name in texts:
            if name not in sys.modules:
                importlib.import_module(name)
            elif old[name] != _finder.texts[name]:
                _reload(sys.modules[name])
    except BaseException:
        for name, text in old.items():  # what does not run is not kept
            if text is None:
                del _finder.texts[name]
            else:
                _finder.texts[name] = text
        raise


def _reload(module: types.ModuleType) -> None:
    # A class whose objects move to a new one by themselves, as servers do, says so: it has a __supersede__.
    before = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    importlib.reload(module)
    updated = {}
    for name, old in before.items():
        new = vars(module).get(name)
        if isinstance(new, type) and new is not old and not hasattr(new, "__supersede__"):
            updated[new] = old
    for new, old in updated.items():
        _update(old, new, updated)
        setattr(module, old.__name__, old)
    for new in vars(module).values():
        if isinstance(new, type) and new.__module__ == module.__name__ and not updated.keys().isdisjoint(new.__bases__):
            new.__bases__ = tuple(updated.get(base, base) for base in new.__bases__)


def install_class(cls: type) -> None:
    """Put a class among the names of this node's prompt; one of that name that came before is updated in place."""
    from cloudpickle.cloudpickle import _DYNAMIC_CLASS_TRACKER_BY_CLASS, _DYNAMIC_CLASS_TRACKER_BY_ID

    supersede = getattr(cls, "__supersede__", None)
    if supersede is not None:
        _classes[cls.__module__, cls.__qualname__] = cls
    known = _classes.setdefault((cls.__module__, cls.__qualname__), cls)
    if known is not cls:
        _update(known, cls, {cls: known})
        # Objects of the new class that come from now on are of this one.
        identity = _DYNAMIC_CLASS_TRACKER_BY_CLASS.get(cls)
        if identity is not None:
            _DYNAMIC_CLASS_TRACKER_BY_ID[identity] = known
            _DYNAMIC_CLASS_TRACKER_BY_CLASS[known] = identity
    module = sys.modules.get(cls.__module__)
    if module is not None and "." not in cls.__qualname__:
        setattr(module, cls.__name__, known)
    if supersede is not None:
        supersede()


def _update(old: type, new: type, updated: dict[type, type]) -> None:
    """Let a class be what another one is: objects of it have the new methods from now on."""
    for name, value in list(vars(new).items()):
        if name not in _ITS_OWN:
            setattr(old, name, value)
            _rebind(value, old, new)
    for name in [name for name in vars(old) if name not in vars(new) and name not in _ITS_OWN]:
        delattr(old, name)
    bases = tuple(updated.get(base, base) for base in new.__bases__)
    if old.__bases__ != bases:
        old.__bases__ = bases


_ITS_OWN: Final = frozenset({"__dict__", "__weakref__", "__class__"})


def _rebind(value: Any, old: type, new: type) -> None:
    """Let ``super()`` in a method mean the class it now belongs to."""
    for fn in (
        value,
        getattr(value, "__func__", None),
        *(getattr(value, name, None) for name in ("fget", "fset", "fdel")),
    ):
        if isinstance(fn, types.FunctionType):
            for cell in fn.__closure__ or ():
                try:
                    if cell.cell_contents is new:
                        cell.cell_contents = old
                except ValueError:  # a variable not assigned yet
                    continue
