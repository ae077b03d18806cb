"""Every example in the docstrings of pyex.distribution runs, and shows what it says: with bob, who is known, and carol."""

import importlib
import itertools
import math
import os

import pytest

from pyex import Node, Process, self, spawn
from tests.core.support import forever
from tests.docstrings import modules, run_examples

#: Those whose examples start the node themselves, and have carol to find.
BEGINNING = ["pyex.distribution.node"]

#: Modules of Python that they use.
MODULES = {"itertools": itertools, "math": math, "os": os}


@pytest.fixture
def counter(tmp_path, monkeypatch):
    """A class of a module that other nodes lack."""
    (tmp_path / "counting.py").write_text("from pyex import GenServer\n\n\nclass Counter(GenServer):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("counting").Counter


@pytest.mark.parametrize("name", modules("pyex/distribution"))
def test_the_examples_of_a_module_run(name, nodes, counter):
    nodes("bob", *(["carol"] if name in BEGINNING else []))
    Process.group_leader(self(), spawn(forever))  # what others print is not for the examples' output
    try:
        if name not in BEGINNING:
            Node.start("alice")
            Node.connect("bob@127.0.0.1")
        run_examples(name, {"Counter": counter, "work": forever if name.endswith("pg") else int} | MODULES)
    finally:
        Node.monitor_nodes(on=False)
        Node.stop()
