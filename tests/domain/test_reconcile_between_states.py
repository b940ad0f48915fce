"""Looks that hit a process while it starts or ends show less than there is; the registry is not misled by them."""

import pytest
from msgspec import structs

from hive_tui.domain.agents import Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import Seen, ServerState, match
from hive_tui.domain.sightings import Session, Sighting
from tests.builders import NOON, SERVER, a_sighting, an_agent
from tests.domain.looks import after

CHILD = ProcessId(101, 1010)


def seen(sighting: Sighting) -> Seen:
    alive = {sighting.root.id, *sighting.tree}
    return Seen(ServerState.UP, SERVER, (sighting,), alive.__contains__, lambda agent: pytest.fail("it lives"), NOON)


@pytest.mark.parametrize("conversation", ["session-1", None], ids=["known", "not known yet"])
def test_an_agent_known_by_the_child_of_its_wrapper_is_the_agent_whose_wrapper_is_seen(conversation: str | None):
    child_only = an_agent(process=CHILD, session_id=conversation)
    wrapper = a_sighting(100)
    wrapper = structs.replace(wrapper, tree=(wrapper.root.id, CHILD))
    (agent,) = after([child_only], seen(wrapper))
    assert (agent.id, agent.process, agent.session_id) == (child_only.id, wrapper.root.id, "session-1")


def test_an_agent_that_another_one_has_started_is_not_taken_for_it():
    inner: list[Agent] = [
        an_agent(process=CHILD, session_id="session-2"),
        an_agent(process=CHILD, kind="codex", session_id="session-1"),
    ]
    outer = a_sighting(100)
    outer = structs.replace(outer, tree=(outer.root.id, CHILD))
    for agent in inner:
        assert match([agent], seen(outer)) == [(None, outer)]


def test_what_an_ending_process_no_longer_shows_stays_known():
    agent = an_agent(env=(("LANG", "C.UTF-8"),))
    ending = a_sighting(100, env=(), is_legible=False, session=Session(None, "no status file", None, "/root/.claude"))
    (now,) = after([agent], seen(ending))
    assert (now.config_dir, now.env, now.session_id) == (agent.config_dir, agent.env, agent.session_id)


def test_a_new_process_that_cannot_be_read_is_described_by_what_is_seen():
    (now,) = after([an_agent()], seen(a_sighting(200, env=(), is_legible=False)))
    assert now.config_dir == "/home/ada/.claude"
