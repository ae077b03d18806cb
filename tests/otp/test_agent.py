"""``Agent``: a process that keeps a value."""

import logging

import pytest

from pyex import (
    Agent,
    Down,
    GenServer,
    NoProcess,
    NotSendable,
    Process,
    ServerDown,
    StartError,
    StateLost,
    Supervisor,
    receive,
    self,
)
from tests.core.support import PLACES, SOON, messages, result_at
from tests.otp.servers import server_at


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


class AtPlace(Agent):
    pass


def agent_at(place, fn, *args, **options):
    return server_at(place, AtPlace, fn, *args, **options)


def test_the_functions_of_an_agent_run_in_its_process(places):
    def body():
        agent = agent_at(places[1], lambda: self())
        assert Agent.get(agent, lambda state: (state, self())) == (agent, agent)
        Agent.update(agent, lambda _: 1)
        Agent.update(agent, lambda n, more: n + more, 4)
        assert Agent.get_and_update(agent, lambda n, by: (n, n * by), 10) == 5
        Agent.cast(agent, lambda n, more: n + more, 3)
        assert Agent.get(agent, lambda n: n) == 53
        assert Agent.update(agent, lambda n: n) is None
        Agent.stop(agent)
        with pytest.raises(NoProcess):
            Agent.get(agent, lambda n: n)
        assert Agent.cast(agent, lambda n: n) is None
        assert messages() == []

    result_at(places[0], body)


def test_tables_of_processes_show_an_agent_as_what_was_started():
    assert Process.info(Agent.start(int)).initial_call == "pyex.otp.agent.Agent"
    assert Process.info(AtPlace.start(int)).initial_call == "tests.otp.test_agent.AtPlace"


def test_nothing_is_shared_with_an_agent():
    mine = [1]

    def body():
        agent = Agent.start(lambda: mine)
        mine.append(2)
        Agent.get(agent, lambda items: items).append(3)
        assert Agent.get(agent, list) == [1]
        Agent.update(agent, lambda _: mine)
        mine.append(4)
        Agent.update(agent, lambda items, more: [*items, more], mine)
        mine.append(5)
        return Agent.get(agent, lambda items: items)

    assert result_at(0, body) == [1, 2, [1, 2, 4]]


def test_an_update_that_returns_none_is_refused_and_says_what_to_write(places, caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)

    def body():
        agent = agent_at(places[1], lambda: ["eggs"])
        with pytest.raises(
            StateLost, match=r"returned None, which would replace the state.*\[\*items, new\]"
        ) as caught:
            Agent.update(agent, lambda items: items.append("milk"))
        assert isinstance(caught.value, TypeError)
        Agent.cast(agent, lambda items: items.clear())
        assert isinstance(Agent.get(agent, lambda items: items), list)
        # Where there is no state, or where it is said aloud, None is a value like any.
        Agent.get_and_update(agent, lambda _: (1, None))
        Agent.update(agent, lambda _: None)
        assert Agent.get(agent, lambda state: state) is None

    result_at(places[0], body)
    assert "was cast a function that lost its state" in caplog.text


def test_get_and_update_wants_a_pair():
    agent = Agent.start(lambda: 1)
    for wrong in (5, (1, 2, 3), [1, 2]):
        with pytest.raises(TypeError, match=r"returns \(value, new state\), not"):
            Agent.get_and_update(agent, lambda _, wrong=wrong: wrong)
    assert Agent.get(agent, lambda n: n) == 1


def test_what_a_function_raises_ends_the_agent_and_is_the_cause():
    agent = Agent.start(lambda: 0)
    with pytest.raises(ServerDown) as caught:
        Agent.get(agent, lambda n: 1 // n)
    assert type(caught.value.__cause__) is ZeroDivisionError
    with pytest.raises(StartError) as caught:
        Agent.start(lambda: 1 // 0)
    assert type(caught.value.__cause__) is ZeroDivisionError


def test_an_agent_that_is_written_wrongly_is_told_how_to():
    agent = Agent.start(lambda: 0)
    for call, words in (
        (lambda: Agent(0), r"Agent.start_link\(lambda: 0\) starts an agent"),
        (lambda: Agent.start_link([]), r"not the state: start_link\(lambda: \[\]\)"),
        (lambda: Agent.update(agent, 5), "takes a function of the state"),
        (lambda: Agent.cast(agent, None), "takes a function of the state"),
        (lambda: Agent.start(list, nmae="x"), "Did you mean name?"),
    ):
        with pytest.raises(TypeError, match=words):
            call()


def test_agents_have_names_links_threads_and_supervisors():
    class Basket(Agent):
        thread = True

    agent = Basket.start_link(list, name="basket")
    assert Process.info(agent).scheduler == "thread"
    assert Agent.get("basket", len) == 0
    with pytest.raises(StartError, match="Basket could not be started: the name 'basket' is taken"):
        Basket.start(list, name="basket")
    GenServer.stop("basket")
    Supervisor.start_link([(Agent, dict), Agent.child_spec(list, name="list")], name="tree")
    ref = Process.monitor("list")
    Process.exit(Process.whereis("list"), "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    assert [child.id for child in Supervisor.which_children("tree")] == ["Agent", "list"]
    Supervisor.stop("tree")


def test_a_value_that_cannot_be_sent_costs_nobody_the_state(places):
    def body():
        agent = agent_at(places[1], lambda: {"a": 1})
        for ask in (
            lambda: Agent.get(agent, lambda d: d.keys()),
            lambda: Agent.get_and_update(agent, lambda d: (d.keys(), {})),
        ):
            with pytest.raises(NotSendable, match="dict_keys"):
                ask()
        assert Agent.get_and_update(agent, lambda d: (list(d), {"b": 2})) == ["a"]
        assert Agent.get(agent, dict) == {"b": 2}

    result_at(places[0], body)


def test_an_agent_is_given_no_coroutine():
    async def later(*_):
        return 1

    agent = Agent.start(lambda: 1)
    for use in (lambda: Agent.start(later), lambda: Agent.update(agent, later), lambda: Agent.cast(agent, later)):
        with pytest.raises(TypeError, match=r"is async: calling it runs nothing. Give Agent.* a plain function"):
            use()
