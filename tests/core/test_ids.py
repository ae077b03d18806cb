"""Identifiers and atoms: printed, pasted, ordered, hashed, never changed."""

import copy
import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex import Atom, Pid, Port, Ref, receive, self, send
from pyex.core.identity import identity
from pyex.core.ids import pid_of, port_of, ref_of

numbers = st.integers(1, 2**60)
nodes = st.sampled_from(["alice@127.0.0.1", "bob@127.0.0.1", "bob@10.0.0.1"])
keys = st.one_of(numbers, st.tuples(numbers, nodes, st.just(0)))
makers = st.sampled_from([pid_of, ref_of, port_of])


@given(makers, keys)
def test_what_is_printed_can_be_pasted_back(make, key):
    identifier = make(key)
    pasted = eval(repr(identifier), {"Pid": Pid, "Ref": Ref, "Port": Port})
    assert pasted == identifier
    assert repr(pasted) == repr(identifier)
    assert hash(pasted) == hash(identifier)


@pytest.mark.parametrize("node", [None, "alice@127.0.0.1"])
def test_ones_own_pid_can_be_pasted_back_whatever_this_node_is_called(node, monkeypatch):
    monkeypatch.setattr(identity, "name", node)
    assert eval(repr(self())) == self()
    if node is not None:
        assert Pid(repr(self()).split("'")[1], node) == self()
        assert self().node == node


def test_pasted_pids_reach_the_process():
    send(eval(str(self())), "pasted")
    assert receive(timeout=0) == "pasted"


def test_the_printed_forms():
    assert repr(pid_of(110)) == "Pid('0.110.0')"
    assert str(pid_of(2**28 + 5)) == "Pid('0.5.1')"
    assert repr(port_of(7)) == "Port('0.7.0')"
    assert repr(port_of((7, "bob@127.0.0.1", 0))) == "Port('0.7.0', 'bob@127.0.0.1')"
    assert repr(ref_of((7, "bob@127.0.0.1", 0))) == "Ref('0.7.0', 'bob@127.0.0.1')"
    assert pid_of((7, "bob@127.0.0.1", 3)).node == "bob@127.0.0.1"
    assert pid_of((7, "bob@127.0.0.1", 3)).number == 7


@pytest.mark.parametrize("text", ["", "110", "0.110", "1.110.0", "0.110.0 ", "0.-1.0", "0.268435456.0", "0.٣.0", 110])
def test_what_is_no_printed_form_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"takes text like '0\.110\.0'"):
        Pid(text)


@given(makers, st.lists(keys, min_size=2))
def test_ordering_is_total_and_agrees_with_equality(make, some):
    identifiers = [make(key) for key in some]
    ordered = sorted(identifiers)
    for earlier, later in itertools.pairwise(ordered):
        assert earlier <= later
        assert later >= earlier
        assert (earlier < later) != (earlier == later)
        assert (later > earlier) == (earlier != later)
    assert len(set(identifiers)) == len(set(some))


def test_a_port_is_found_under_no_pids_key():
    assert port_of(5).number == 5
    assert port_of(5).key != pid_of(5).key
    assert port_of(5) != pid_of(5)
    assert port_of((5, "bob@127.0.0.1", 3)).key != pid_of((5, "bob@127.0.0.1", 3)).key


def test_a_pid_and_a_reference_are_different_things():
    assert pid_of(5) != ref_of(5)
    assert pid_of(5) != 5
    assert pid_of(5) != (5,)
    assert not isinstance(pid_of(5), tuple)
    for compare in (lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b):
        with pytest.raises(TypeError):
            compare(pid_of(5), ref_of(5))


@pytest.mark.parametrize("identifier", [pid_of(5), ref_of(5), port_of(5)])
def test_identifiers_are_immutable(identifier):
    for name in ("key", "node", "anything"):
        with pytest.raises(AttributeError, match="is immutable"):
            setattr(identifier, name, 6)
    with pytest.raises(AttributeError, match="is immutable"):
        del identifier.key
    assert copy.copy(identifier) is identifier
    assert copy.deepcopy([identifier])[0] is identifier


@given(makers, keys)
def test_pickled_identifiers_come_back(make, key):
    assert pickle.loads(pickle.dumps(make(key))) == make(key)


def test_fresh_references_differ():
    assert Ref() != Ref()
    assert len({Ref() for _ in range(1000)}) == 1000


@given(st.text())
def test_an_atom_is_its_text(text):
    atom = Atom(text)
    assert atom == text
    assert hash(atom) == hash(text)
    assert isinstance(atom, str)
    assert eval(repr(atom)) == atom
    assert type(pickle.loads(pickle.dumps(atom))) is Atom
    assert {atom: 1}[text] == 1


def test_an_atom_stays_one_in_a_message():
    send(self(), ["list", Atom("ok")])
    assert type(receive(timeout=0)[1]) is Atom
    with pytest.raises(AttributeError):
        Atom("ok").text = "no"


def test_the_runtime_s_own_numbers_never_run_into_those_of_users():
    from pyex.core.ids import FIRST_USER_NUMBER, new_pid

    pids = [new_pid(system=number % 2 == 0) for number in range(3 * FIRST_USER_NUMBER)]
    assert len(set(pids)) == len(pids)
