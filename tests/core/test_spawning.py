"""What ``spawn`` takes, and refuses."""

import asyncio
import functools

import pytest

from pyex import spawn
from tests.core.support import ended


async def coroutine():
    pass


async def asynchronous():
    yield 1


def generator():
    yield 1


class Holder:
    def generate(self):
        yield 1

    async def wait(self):
        pass


@pytest.mark.parametrize(
    ("fn", "instead"),
    [
        (coroutine, "await_"),
        (asynchronous, "await_"),
        (generator, "loops over it"),
        (functools.partial(functools.partial(coroutine)), "await_"),
        (Holder().generate, "loops over it"),
        (Holder().wait, "await_"),
    ],
)
def test_a_function_whose_call_would_do_nothing_is_refused(fn, instead):
    with pytest.raises(TypeError, match=instead):
        spawn(fn)
    with pytest.raises(TypeError, match=instead):
        spawn(fn, thread=True)
    assert ended(spawn(lambda: asyncio.run(coroutine()))) in ("normal", "noproc")
