"""pyex, with uvloop in the place of asyncio's own event loop."""

import os

os.environ["PYEX_LOOP"] = "uvloop"

from benchmarks.contenders import between_pyex
from benchmarks.contenders.between_pyex import *  # noqa: F403

VERSION = f"{between_pyex.VERSION}, uvloop"
