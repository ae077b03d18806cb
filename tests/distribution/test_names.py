import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex import Down, GenServer, Node, Pid, Process, Supervisor, receive, self, send, sleep, spawn
from pyex.core.errors import NodeNameError
from pyex.distribution.names import full_name, is_loopback, split
from tests.core.support import SOON
from tests.distribution.conftest import COOKIE
from tests.distribution.test_shipping_servers import SUPERVISORS


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


BOB = "bob@127.0.0.1"


def test_a_short_name_means_the_same_to_whatever_takes_a_node(alice, nodes):
    [bob] = nodes("bob", program=SUPERVISORS)
    main = ("main", "bob")
    send(main, (self(), "echo", 1))  # which connects first
    assert receive(timeout=SOON) == ("echo", 1)
    assert Node.list() == [BOB]
    Process.send_after(main, (self(), "echo", 2), 0)
    assert receive(timeout=SOON) == ("echo", 2)
    assert GenServer.call(("sup", "bob"), "count_children").specs == 0
    assert Supervisor.start_child(("tree", "bob"), sleeps).node == BOB
    assert GenServer.multi_call(["bob"], "sup", "count_children")[1] == []
    (line,) = Supervisor.which_children(("tree", "bob"))
    pasted = Pid(repr(line.pid)[5:-2].split("'")[0], "bob")
    assert pasted == line.pid
    dead = Process.monitor(("nobody", "bob"))
    assert receive(Down(dead), timeout=SOON) == ("DOWN", dead, "process", ("nobody", BOB), "noproc")
    ref = Process.monitor(main)
    Process.demonitor(Process.monitor(main), flush=True)
    bob.kill()
    assert receive(Down(), timeout=SOON) == ("DOWN", ref, "process", ("main", BOB), "noconnection")
    assert receive(timeout=0, default=None) is None


def sleeps():
    sleep(None)


def test_this_nodes_own_short_name_is_this_node(alice):
    Process.register(self(), "me")
    try:
        send(("me", "alice"), "hello")
        assert receive(timeout=SOON) == "hello"
        GenServer.cast(("me", "alice"), "hello")
        assert receive(timeout=SOON) == ("$gen_cast", "hello")
        pid = spawn(sleeps)
        ref = Process.monitor(("nobody", "alice"))
        assert receive(Down(ref), timeout=SOON).pid == ("nobody", "alice@127.0.0.1")
        text = repr(pid)[5:-2]
        assert Pid(text, "alice") == pid
    finally:
        Process.unregister("me")


def test_names_that_can_be_no_nodes_never_make_a_send_raise(alice):
    for node in ("", "no such", "@", "nobody"):
        assert send(("main", node), "lost") == "lost"
        ref = Process.monitor(("main", node))
        assert receive(Down(ref), timeout=SOON).reason == "noconnection"


def test_a_cookie_is_not_set_by_asking_for_one(alice, nodes):
    for secret in ("secret", "a long secret, with words in it", "x" * 100):
        with pytest.raises(
            NodeNameError, match=r'To change this node\'s cookie write Node.cookie\(cookie="..."\)'
        ) as told:
            Node.cookie(secret)
        assert repr(secret) not in str(told.value)  # it may end in a log
    assert Node.cookie() == Node.cookie("alice") == Node.cookie("carol@127.0.0.1") == COOKIE
    nodes("bob")
    Node.connect("bob")
    assert Node.cookie("bob") == COOKIE
    assert Node.cookie("carol", cookie="the secret of carol, also long") == Node.cookie("carol")
    assert Node.cookie(cookie="a new secret for everybody else") == Node.cookie()
