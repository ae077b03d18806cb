"""Which way the arrows run, how long files are, and what importing pyex costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("pyex", "shell") for path in (ROOT / folder).rglob("*.py"))
LONGEST = 400

#: The parts, by the longest prefix of a module's name that fits.
PARTS = ("pyex.core", "pyex.otp", "pyex.distribution", "pyex.gateway", "shell", "pyex")

#: What each part may import. "pyex" is the public API; its own modules are the glue that joins the parts.
ALLOWED = {
    "pyex.core": {"pyex.core"},
    "pyex.otp": {"pyex", "pyex.otp"},
    "pyex.distribution": {"pyex.core", "pyex.distribution"},
    "pyex.gateway": {"pyex", "pyex.otp", "pyex.distribution", "pyex.gateway"},
    "shell": {"pyex", "shell"},
    "pyex": {"pyex", "pyex.core", "pyex.otp", "pyex.distribution", "pyex.gateway", "shell"},
}


def part_of(module):
    return next((part for part in PARTS if module == part or module.startswith(part + ".")), None)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Every module that a file imports, wherever in it, with the line."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module, node.lineno
            for alias in node.names:  # "from pyex import core" imports pyex.core
                if (ROOT / Path(*module.split("."), alias.name)).is_dir():
                    yield f"{module}.{alias.name}", node.lineno


def wrong_arrows(path):
    part = part_of(module_name(path))
    return [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for module, line in imports(path)
        if part_of(module) is not None and part_of(module) not in ALLOWED[part]
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_arrows_run_one_way(path):
    assert wrong_arrows(path) == []


def test_a_wrong_arrow_would_be_seen(monkeypatch):
    texts = {
        "pyex/core/x.py": "def f():\n    from pyex.distribution import node",
        "pyex/otp/x.py": "import pyex.core.process",
        "pyex/distribution/x.py": "from ..otp import genserver",
        "shell/x.py": "from pyex import core",
        "pyex/core/y.py": "from pyex import spawn",
    }
    monkeypatch.setattr(Path, "read_text", lambda self: texts[str(self.relative_to(ROOT))])
    for name in texts:
        assert len(wrong_arrows(ROOT / name)) >= 1, name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    length = len(path.read_text().splitlines())
    assert length <= LONGEST, f"{length} lines: this is usually two files"


def loaded_by(code):
    """The modules that are loaded after a program has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize("code", ["import pyex", "from pyex import run, self\nrun(self)"])
def test_importing_pyex_is_cheap(code):
    tops = {name.partition(".")[0] for name in loaded_by(code)}
    assert "greenlet" in tops
    assert not tops & {"prompt_toolkit", "pygments", "cloudpickle", "msgpack", "hypothesis", "pytest", "shell"}
    assert not {name for name in loaded_by(code) if name.startswith(("pyex.distribution", "pyex.gateway"))}
