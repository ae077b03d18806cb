"""The shell is a program like any other: it uses what ``pyex`` exports, and nothing behind that."""

import ast

import pytest

from tests.shell.terminal import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "shell").rglob("*.py")), ids=lambda path: path.name)
def test_it_imports_the_top_level_only(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        assert not [name for name in names if name.startswith("pyex.")]
