"""Code as source: what was typed is compiled anew, and is the very same code."""

import itertools
import linecache
import sys

import pytest

from pyex import NotSendable
from pyex.distribution.source import describe, rebuild

TEXT = """
from __future__ import annotations
import functools
def plain(x, y=lambda: 3, *a, k=5, **kw) -> int:
    "says what it does"
    z = [i for i in range(x) if (lambda q: q)(i)]
    return sum(z) + k
two = (lambda a: a + 1, lambda a: a + 2)
def outer(n, m):
    def inner(p: dict[str, int] = {}):
        nonlocal n
        n += 1
        return n + m, lambda: (n, m)
    return inner
@functools.lru_cache
@functools.wraps(plain)
def decorated(x): return x
class A:
    __secret = 7
    def method(self): return super().__repr__(), self.__secret
    @property
    def prop(self): return self.__secret
    @staticmethod
    def static(v): return (lambda: v)
    class B:
        def deep(self):
            def d(): return __class__
            return d
def generator():
    try:
        yield 1
    finally:
        print("x")
async def coroutine():
    async with x as y: pass
def local():
    class L:
        def method(self): return super(), self.__z, k
    k = 1
    return L
"""

_numbers = itertools.count()


def typed(text):
    """The names that a text typed at a prompt makes."""
    name = f"<test {next(_numbers)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names = {"__name__": "__main__"}
    exec(compile(text, name, "exec", dont_inherit=True), names)
    return names


def codes():
    names = typed(TEXT)
    cls, inner = names["A"], names["outer"](1, 2)
    functions = [
        names["plain"], *names["plain"].__defaults__, *names["two"], names["outer"], inner, inner()[1],
        names["decorated"].__wrapped__, cls.method, cls.prop.fget, cls.static, cls.static(1), cls.B.deep, cls.B().deep(),
        names["generator"], names["coroutine"], names["local"], names["local"]().method,
    ]  # fmt: skip
    return [fn.__code__ for fn in functions]


@pytest.mark.parametrize("code", codes(), ids=lambda code: code.co_qualname)
def test_what_was_typed_comes_back_as_the_same_code(code):
    described = describe(code, {})
    again = rebuild(*described)
    assert again == code
    assert (again.co_filename, again.co_firstlineno) == (code.co_filename, code.co_firstlineno)
    assert again.co_freevars == code.co_freevars


def test_tracebacks_show_the_lines():
    code = typed("def fails():\n    return 1 / 0\n")["fails"].__code__
    described = describe(code, {})
    lines = linecache.cache.pop(code.co_filename)
    rebuild(*described)
    assert linecache.cache[code.co_filename][2] == lines[2]


def test_code_whose_source_has_changed_since_is_refused():
    names = typed("def changes():\n    return 1\n")
    file = names["changes"].__code__.co_filename
    linecache.cache[file] = (1, None, ["def changes():\n", "    return 2\n"], file)
    with pytest.raises(NotSendable, match="the source of 'changes' is not known here"):
        describe(names["changes"].__code__, {})


@pytest.mark.parametrize("text", ["", "def f(:", "x = 1"])
def test_code_without_source_is_refused_by_name(text):
    names = {}
    exec(compile("def f(): pass", "<no such file>", "exec"), names)
    linecache.cache["<no such file>"] = (1, None, text.splitlines(keepends=True), "<no such file>")
    with pytest.raises(NotSendable, match="the source of 'f' is not known here"):
        describe(names["f"].__code__, {})


def test_the_text_of_a_file_is_taken_once():
    names = typed("def f(): pass\ndef g(): pass\n")
    texts = {}
    one, two = describe(names["f"].__code__, texts), describe(names["g"].__code__, texts)
    assert one[1] is two[1]
    assert sys.getrefcount(one[1]) >= 3
