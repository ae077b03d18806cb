import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex.core.errors import NodeNameError
from pyex.distribution.names import full_name, is_loopback, split


def test_a_short_name_is_of_this_machine():
    assert full_name("bob") == "bob@127.0.0.1"


def test_a_full_name_stays():
    assert full_name("bob@192.168.1.5") == "bob@192.168.1.5"
    assert split("bob@192.168.1.5") == ("bob", "192.168.1.5")


@pytest.mark.parametrize(
    "bad", ["", "@", "@host", "bob@", "bob@a@b", "b ob", "bob@ho st", "bo\nb", "é", "a" * 65, "-x"]
)
def test_a_malformed_name_is_refused_and_shown_how(bad):
    with pytest.raises(NodeNameError, match="bob@192"):
        full_name(bad)


@given(st.text())
def test_any_text_is_a_name_or_a_clear_error(text):
    try:
        name = full_name(text)
    except ValueError:
        return
    assert full_name(name) == name


def test_loopback():
    assert is_loopback("127.0.0.1")
    assert is_loopback("localhost")
    assert not is_loopback("192.168.1.5")
