"""Agents that were started again, of which there are two, or that are of no known kind."""

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Agent, Lifecycle, Origin, PaneRef
from hive_tui.domain.events import EventKind
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import applied
from hive_tui.domain.sightings import Session, Sighting
from tests.builders import SERVER, a_pane, a_process, a_sighting, an_agent, an_ended_agent
from tests.domain.looks import after, changes, only, seen

# --- started again by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lifecycle", [Lifecycle.ASLEEP, Lifecycle.FAILED, Lifecycle.WAKING])
def test_an_agent_resumed_by_hand_elsewhere_is_the_same_agent(lifecycle: Lifecycle):
    agent = an_ended_agent(lifecycle=lifecycle)
    change = only(changes([agent], seen(a_sighting(300, "session-1", pane=a_pane("%9"), cwd="/home/ada/other"))))
    assert change.after is not None
    assert (change.after.id, change.after.lifecycle) == (agent.id, Lifecycle.AWAKE)
    assert (change.after.pane, change.after.cwd) == (PaneRef(SERVER, "%9"), "/home/ada/other")
    assert change.event is not None
    assert change.event.kind is EventKind.AGENT_AWAKE


def test_a_new_run_of_a_conversation_is_not_mistaken_for_an_agent_of_another_kind():
    found = after([an_ended_agent(kind="codex")], seen(a_sighting(300, "session-1")))
    assert [(agent.name, agent.kind, agent.lifecycle) for agent in found] == [
        ("ada", "codex", Lifecycle.ASLEEP),
        ("engine", "claude", Lifecycle.AWAKE),
    ]


def test_a_conversation_that_is_open_twice_is_two_agents():
    look = seen(a_sighting(100), a_sighting(300, pane=a_pane("%9")))
    found = after([an_agent()], look)
    assert [(agent.name, agent.process) for agent in found] == [
        ("ada", ProcessId(100, 1000)),
        ("engine", ProcessId(300, 3000)),
    ]


def resumed_by_hand() -> tuple[Agent, Agent]:
    """A sleeping agent, and the row that stands in for it since the first look showed no conversation yet."""
    stand_in = after([], seen(a_sighting(300, None)))[0]
    return an_ended_agent(), structs.replace(stand_in, id="id-of-stand-in", name="stand-in")


@pytest.mark.parametrize("names", [("ada", "zoe"), ("zoe", "ada")])
def test_when_its_conversation_becomes_known_later_the_stand_in_leaves(names: tuple[str, str]):
    sleeper, stand_in = (structs.replace(one, name=name) for one, name in zip(resumed_by_hand(), names, strict=True))
    everyone = sorted([sleeper, stand_in], key=lambda agent: agent.name)
    found = changes(everyone, seen(a_sighting(300, "session-1")))
    (left,) = applied(everyone, found)
    assert (left.id, left.lifecycle, left.process) == (sleeper.id, Lifecycle.AWAKE, ProcessId(300, 3000))
    gone = next(change for change in found if change.after is None)
    assert gone.before == stand_in
    assert gone.event is not None
    assert "started again" in gone.event.text


def test_the_stand_in_leaves_also_when_the_agent_ended_only_just_now():
    """It was quit and resumed by hand between two looks, so the registry still believes in its old process."""
    _, stand_in = resumed_by_hand()
    (left,) = after([an_agent(), stand_in], seen(a_sighting(300, "session-1")))
    assert (left.name, left.process) == ("ada", ProcessId(300, 3000))


@pytest.mark.parametrize("names", [("ada", "zoe"), ("zoe", "ada")])
def test_a_stand_in_that_could_not_leave_at_once_never_drives_out_the_agent(names: tuple[str, str]):
    """A nap held the stand-in's lock during the look that gave its process to the agent."""
    sleeper, stand_in = (structs.replace(one, name=name) for one, name in zip(resumed_by_hand(), names, strict=True))
    look = seen(a_sighting(300, "session-1"))
    everyone = sorted([sleeper, stand_in], key=lambda agent: agent.name)
    held = applied(everyone, changes(everyone, look, locked=["stand-in"]))
    assert len(held) == 2
    assert [agent.id for agent in after(held, look)] == [sleeper.id]


def test_an_adopted_agent_is_nobodys_stand_in():
    sleeper, stand_in = resumed_by_hand()
    adopted = structs.replace(stand_in, origin=Origin.ADOPTED)
    found = after([sleeper, adopted], seen(a_sighting(300, "session-1")))
    assert [(agent.name, agent.lifecycle) for agent in found] == [
        ("ada", Lifecycle.ASLEEP),
        ("stand-in", Lifecycle.AWAKE),
    ]


@pytest.mark.parametrize("lifecycle", [Lifecycle.ASLEEP, Lifecycle.FAILED])
@pytest.mark.parametrize("session", [None, "session-2"])
def test_a_new_conversation_in_the_pane_of_a_sleeping_agent_is_a_new_agent(lifecycle: Lifecycle, session: str | None):
    sleeper = an_ended_agent(lifecycle=lifecycle)
    found = after([sleeper], seen(a_sighting(300, session, pane=a_pane(agent_id=sleeper.id))))
    assert found[0] == sleeper
    assert (found[1].id, found[1].session_id) == ("new-1", session)


def test_another_conversation_in_the_pane_of_a_waking_agent_is_a_new_agent():
    waking = an_ended_agent(lifecycle=Lifecycle.WAKING)
    found = after([waking], seen(a_sighting(300, "session-2", pane=a_pane(agent_id=waking.id))), locked=["ada"])
    assert [agent.id for agent in found] == [waking.id, "new-1"]


# --- two of a kind --------------------------------------------------------------------------------------------------


def two_of_a_kind(**facts: Any) -> list[Agent]:
    """Two agents of one kind in one folder."""
    return [
        structs.replace(an_agent("ada", process=ProcessId(100, 1000), session_id="s-ada", **facts)),
        structs.replace(
            an_agent("bob", process=ProcessId(200, 2000), session_id="s-bob", pane=PaneRef(SERVER, "%2"), **facts)
        ),
    ]


def asleep(agents: Iterable[Agent]) -> list[Agent]:
    return [structs.replace(agent, lifecycle=Lifecycle.ASLEEP, process=None) for agent in agents]


@pytest.mark.parametrize("is_turned", [False, True])
def test_two_agents_of_one_folder_keep_their_conversations_when_both_are_started_again(is_turned: bool):
    look = seen(
        a_sighting(300, "s-bob", pane=a_pane("%1", agent_id="id-of-ada")),
        a_sighting(400, "s-ada", pane=a_pane("%2", agent_id="id-of-bob")),
    )
    everyone = asleep(two_of_a_kind())
    found = after(everyone[::-1] if is_turned else everyone, look)
    assert [(agent.name, agent.session_id, agent.process) for agent in found] == [
        ("ada", "s-ada", ProcessId(400, 4000)),
        ("bob", "s-bob", ProcessId(300, 3000)),
    ]


@pytest.mark.parametrize("sessions", [(None, None), ("s-bob", "s-ada"), ("new", None)])
def test_two_running_agents_are_told_apart_by_their_processes_whatever_their_conversations_are(
    sessions: tuple[str | None, str | None],
):
    look = seen(a_sighting(100, sessions[0]), a_sighting(200, sessions[1], pane=a_pane("%2")))
    assert [agent.process for agent in after(two_of_a_kind(), look)] == [ProcessId(100, 1000), ProcessId(200, 2000)]


def test_a_process_id_that_is_used_again_is_another_agent():
    look = seen(structs.replace(a_sighting(), root=a_process(100, 5), session=Session("session-2", "its status file")))
    found = after([an_agent()], look, kept=["ada"])
    assert [(agent.name, agent.process) for agent in found] == [("ada", None), ("engine", ProcessId(100, 5))]


# --- programs of no known kind --------------------------------------------------------------------------------------


def a_generic_agent(**facts: Any) -> Agent:
    values = {"kind": "generic", "origin": Origin.ADOPTED, "session_id": None, "transcript": None, "config_dir": None}
    return an_agent(**{**values, **facts})


def a_generic_sighting(pid: int = 100) -> Sighting:
    return a_sighting(
        pid,
        None,
        kind="generic",
        session=Session(None, "nothing is known about the conversations of this kind"),
        activity=Activity.UNKNOWN,
        detail="nothing shows what it does",
    )


def test_an_adopted_program_is_seen_again_by_its_process_and_keeps_its_name():
    (agent,) = after([a_generic_agent()], seen(a_generic_sighting()))
    assert (agent.name, agent.kind, agent.activity) == ("ada", "generic", Activity.UNKNOWN)


def test_an_adopted_program_that_ended_stays_known_as_failed():
    change = only(changes([a_generic_agent()], seen(), kept=["ada"]))
    assert change.after is not None
    assert change.after.has_crashed
