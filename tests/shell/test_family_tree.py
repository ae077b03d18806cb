"""Drawings of processes: what a supervisor tells of, and what each line says."""

from pyex import DynamicSupervisor, GenServer, Pid, Process, Supervisor, SupervisorSpec, receive, self, send, spawn
from shell import family_tree
from shell.family_tree import Member, draw

ONE, TWO, THREE = Pid("0.1.0"), Pid("0.2.0"), Pid("0.3.0")


def member(pid, parent=None, links=(), children=(), text="f"):
    return Member(pid, text, parent, tuple(links), tuple(children))


def test_children_of_which_some_are_not_running():
    boss = member(ONE, links=[TWO], children=[("a", TWO), ("b", None), ("c", "restarting")], text="boss")
    assert draw([boss, member(TWO, ONE, [ONE])], ONE, fine=True).splitlines() == [
        "Pid('0.1.0')  boss", "├─ Pid('0.2.0')  'a'  f", "├─ 'b' (not running)", "└─ 'c' (restarting)",
    ]  # fmt: skip


def test_links_in_a_ring_are_drawn_once():
    ring = [member(ONE, links=[TWO, THREE]), member(TWO, links=[ONE, THREE]), member(THREE, links=[ONE, TWO])]
    assert draw(ring, ONE, fine=False).splitlines() == [
        "Pid('0.1.0')  f", "|~ Pid('0.2.0')  f  (linked to Pid('0.3.0'))", "`~ Pid('0.3.0')  f  (linked to Pid('0.2.0'))",
    ]  # fmt: skip


def test_processes_of_other_nodes_and_dead_ones():
    far = Pid("0.9.0", "bob@127.0.0.1")
    assert draw([member(ONE, links=[far])], ONE, fine=True).splitlines()[1] == (
        "└┄ Pid('0.9.0', 'bob@127.0.0.1')  (of another node)"
    )
    assert draw([], TWO, fine=True) == "Pid('0.2.0')  (not alive)"


class Counter(GenServer):
    """A child."""

    def init(self):
        self.n = 0


class Shop(Supervisor):
    """A supervisor with a class of its own."""

    def init(self):
        return SupervisorSpec([Counter, DynamicSupervisor.child_spec(name="customers")])


def below(shop):
    """All processes but the one that has started the shop, which is linked to it."""
    return [one._replace(links=tuple({*one.links} - {self()})) for one in family_tree.gather() if one.pid != self()]


def test_a_supervisor_tells_of_its_children_and_those_of_them_that_are_supervisors_of_theirs():
    shop = Shop.start_link()
    DynamicSupervisor.start_child("customers", Counter)
    counter, customers = (child.pid for child in Supervisor.which_children(shop))
    [customer] = (child.pid for child in DynamicSupervisor.which_children("customers"))
    counts = f"{__name__}.Counter.init"
    drawn = [
        f"{shop!r}  supervisor Shop",
        f"├─ {counter!r}  'Counter'  {counts}",
        f"└─ {customers!r}  'customers'  'customers' supervisor DynamicSupervisor",
        f"   └─ {customer!r}  {counts}",
    ]
    assert draw(below(shop), shop, fine=True).splitlines() == drawn
    Supervisor.terminate_child(shop, "Counter")
    assert draw(below(shop), shop, fine=True).splitlines()[1:] == [
        drawn[2].replace("└", "├"), "│" + drawn[3][1:], "└─ 'Counter' (not running)",
    ]  # fmt: skip
    Supervisor.stop(shop)


def test_a_supervisor_that_is_busy_is_not_waited_for(monkeypatch):
    def slow(up):
        send(up, "starts")
        receive("never")

    here = self()
    busy = spawn(lambda: Supervisor.start_link([{"id": "slow", "start": (slow, (here,))}], name="busy"))
    receive("starts", timeout=10)
    monkeypatch.setattr(family_tree, "ASKED", 0.2)
    found = {one.pid: one for one in family_tree.gather()}
    held = found[Process.whereis("busy")]
    assert held.text == "'busy' supervisor Supervisor"
    assert held.children == ()
    assert busy in found
