"""uvloop: the same as asyncio, on its event loop."""

from importlib.metadata import version

from benchmarks.contenders import between_asyncio
from benchmarks.contenders.between_asyncio import *  # noqa: F403

VERSION = f"uvloop {version('uvloop')}"
between_asyncio.LOOP = "uvloop"
