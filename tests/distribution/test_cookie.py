import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pyex.core.errors import CookieError
from pyex.distribution import cookie

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.delenv("PYEX_COOKIE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return cookie.cookie_path()


def test_the_file_is_made_on_first_use_readable_by_its_owner_alone(path):
    made = cookie.find_cookie()
    assert len(made) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cookie.find_cookie() == made
    assert [file.name for file in path.parent.iterdir()] == ["cookie"]


def test_a_file_that_others_can_read_is_refused_and_says_chmod(path):
    cookie.find_cookie()
    path.chmod(0o640)
    with pytest.raises(CookieError, match="chmod 600"):
        cookie.find_cookie()


def test_an_empty_file_is_refused(path):
    cookie.find_cookie()
    path.write_text("\n")
    with pytest.raises(CookieError, match="Delete it"):
        cookie.find_cookie()


def test_the_one_given_comes_first_then_the_environment(path, monkeypatch):
    monkeypatch.setenv("PYEX_COOKIE", "from the environment, long")
    assert cookie.find_cookie() == b"from the environment, long"
    assert cookie.find_cookie("given at the command line") == b"given at the command line"
    assert not path.exists()


def test_an_empty_cookie_is_refused():
    with pytest.raises(CookieError):
        cookie.find_cookie("")


def test_a_short_cookie_warns(caplog):
    with caplog.at_level("WARNING", "pyex"):
        assert cookie.find_cookie("short") == b"short"
    assert "can be guessed" in caplog.text


def test_of_many_nodes_that_start_at_once_one_makes_the_cookie(path):
    program = "from pyex.distribution.cookie import find_cookie; print(find_cookie().decode())"
    running = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    found = {process.communicate(timeout=60)[0] for process in running}
    assert len(found) == 1
    assert found == {path.read_text()}
