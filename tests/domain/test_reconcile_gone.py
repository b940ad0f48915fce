"""Agents whose process is gone, that nobody can see, or that somebody works on."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Agent, Lifecycle, PaneRef
from hive_tui.domain.events import EventKind, Severity
from hive_tui.domain.panes import Exit
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import Ending, Seen, ServerState, match
from tests.builders import SERVER, a_pane, a_sighting, an_agent, an_ended_agent
from tests.domain.looks import LATER, OTHER_SERVER, after, changes, only, seen

# --- its process is gone --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Situation:
    """An awake agent whose process is gone, and what becomes of it."""

    look: Seen
    lifecycle: Lifecycle | None
    """None: it leaves the registry."""
    reason: str = ""
    is_kept: bool = False
    session_id: str | None = "session-1"


ENDINGS = {
    "crashed": Situation(seen(), Lifecycle.FAILED, "crashed: its process ended by itself"),
    "crashed, with a checkpoint": Situation(
        seen(), Lifecycle.FAILED, "crashed: its process ended by itself", is_kept=True
    ),
    "crashed before it had a conversation": Situation(seen(), None, session_id=None),
    "crashed without a conversation, but adopted": Situation(
        seen(),
        Lifecycle.FAILED,
        "crashed: its process ended by itself",
        is_kept=True,
        session_id=None,
    ),
    "quit by a person": Situation(seen(ending=Ending.QUIT), None),
    "quit by a person, with a checkpoint": Situation(
        seen(ending=Ending.QUIT), Lifecycle.ASLEEP, "quit in its pane", is_kept=True
    ),
    "its pane was closed": Situation(seen(ending=Ending.CLOSED), None),
    "its pane was closed, with a checkpoint": Situation(
        seen(ending=Ending.CLOSED), Lifecycle.ASLEEP, "its pane was closed", is_kept=True
    ),
    "its pane was closed before it had a conversation, but adopted": Situation(
        seen(ending=Ending.CLOSED),
        Lifecycle.ASLEEP,
        "its pane was closed; no conversation of it is known",
        is_kept=True,
        session_id=None,
    ),
    "its pane went with it": Situation(seen(ending=Ending.GONE), None),
    "its pane went with it, with a checkpoint": Situation(
        seen(ending=Ending.GONE),
        Lifecycle.ASLEEP,
        "it ended and its pane with it, by itself or because the pane was closed",
        is_kept=True,
    ),
    "the tmux server is gone": Situation(
        seen(state=ServerState.DOWN, ending=Ending.QUIT), Lifecycle.FAILED, "crashed: the tmux server ended"
    ),
    "another tmux server runs now": Situation(
        seen(server=OTHER_SERVER, ending=Ending.CLOSED), Lifecycle.FAILED, "crashed: the tmux server ended"
    ),
}


@pytest.mark.parametrize("situation", ENDINGS.values(), ids=ENDINGS.keys())
def test_an_agent_whose_process_is_gone(situation: Situation):
    agent = an_agent(session_id=situation.session_id, memory_bytes=7)
    change = only(changes([agent], situation.look, kept=["ada"] if situation.is_kept else []))
    assert change.before == agent
    assert change.event is not None
    assert change.event.agent_id == agent.id
    is_loud = situation.lifecycle is Lifecycle.FAILED
    assert change.event.kind is (EventKind.AGENT_CRASHED if is_loud else EventKind.AGENT_ENDED)
    assert change.event.severity is (Severity.FAILURE if is_loud else Severity.INFO)
    if situation.lifecycle is None:
        assert change.after is None
        return
    assert change.after is not None
    assert change.after.lifecycle is situation.lifecycle
    assert situation.reason in change.after.reason
    assert situation.reason in change.event.text
    assert change.after.has_crashed is is_loud
    assert change.after == structs.replace(
        agent,
        lifecycle=situation.lifecycle,
        activity=Activity.UNKNOWN,
        memory_bytes=0,
        reason=change.after.reason,
        since_at=LATER,
        process=None,
        started_at=None,
    ), "everything that a wake needs stays known"


def test_what_leaves_the_registry_can_still_be_resumed_from_the_log():
    change = only(changes([an_agent(argv=("claude", "--model", "opus"))], seen(ending=Ending.QUIT)))
    assert change.event is not None
    assert change.event.payload == {
        "session_id": "session-1",
        "cwd": "/home/ada/engine",
        "argv": ["claude", "--model", "opus"],
    }


def test_how_an_agent_ended_is_not_asked_of_a_server_that_it_did_not_run_in():
    def ending(agent: Agent) -> Ending:
        raise AssertionError(f"pane ids start again with each run, so {agent.pane} is another pane now")

    for look in (seen(state=ServerState.DOWN, ending=ending), seen(server=OTHER_SERVER, ending=ending)):
        assert only(changes([an_agent()], look)).after is not None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Exit(3), "crashed: its process exited with status 3"),
        (Exit(signal=9), "crashed: its process was killed by signal 9 (SIGKILL)"),
        (Exit(signal=250), "crashed: its process was killed by signal 250"),
        (None, "crashed: its process ended by itself"),
    ],
)
def test_a_crash_is_told_with_what_tmux_knows_of_it(told: Exit | None, words: str):
    change = only(changes([an_agent()], replace(seen(), exit=lambda _: told)))
    assert change.after is not None and change.after.has_crashed and change.after.reason == words
    assert change.event is not None and change.event.text == f"ada {words}"
    assert (change.event.payload.get("exit_status"), change.event.payload.get("signal")) == (
        (told.status, told.signal) if told else (None, None)
    )


def test_one_that_ended_does_not_take_the_others_along():
    bob = an_agent("bob", process=ProcessId(200, 2000), pane=PaneRef(SERVER, "%2"))
    look = seen(a_sighting(200, pane=a_pane("%2")))
    assert [change.before for change in changes([an_agent(), bob], look)] == [an_agent()]


def test_when_the_server_ends_every_agent_of_it_has_crashed():
    everyone = [an_agent(name, process=ProcessId(pid, 1), session_id=name) for pid, name in enumerate("abc", 100)]
    found = after(everyone, seen(state=ServerState.DOWN))
    assert [agent.has_crashed for agent in found] == [True, True, True]
    assert changes(found, seen(state=ServerState.DOWN)) == [], "and is told once"


# --- nothing is known -----------------------------------------------------------------------------------------------


EVERY_STATE = [
    an_agent("awake"),
    an_agent("alive", process=ProcessId(200, 2000)),
    an_agent("napping", lifecycle=Lifecycle.NAPPING, activity=Activity.UNKNOWN),
    an_ended_agent("asleep"),
    an_ended_agent("waking", Lifecycle.WAKING),
    an_ended_agent("failed", Lifecycle.FAILED, reason="crashed: its process ended by itself"),
]


def test_a_server_that_does_not_answer_changes_nothing():
    assert changes(EVERY_STATE, seen(state=ServerState.HUNG, alive=[ProcessId(200, 2000)])) == []


def test_those_that_are_asleep_or_failed_are_not_expected_to_be_seen():
    resting = [an_ended_agent("ada"), an_ended_agent("bob", Lifecycle.FAILED)]
    for state in ServerState:
        assert changes(resting, seen(state=state)) == []


def test_a_process_that_lives_on_in_no_pane_is_awake_and_its_activity_unknown():
    change = only(changes([an_agent()], seen(alive=[ProcessId(100, 1000)])))
    assert change.after is not None
    assert change.after.activity is Activity.UNKNOWN
    assert "in no pane of this tmux server" in change.after.reason
    assert change.after.process == ProcessId(100, 1000)
    assert change.event is None
    assert changes([change.after], seen(alive=[ProcessId(100, 1000)], at=LATER + timedelta(hours=1))) == []


def test_a_process_that_outlives_its_server_for_a_moment_has_not_crashed():
    assert changes([an_agent()], seen(state=ServerState.DOWN, alive=[ProcessId(100, 1000)])) == []


# --- somebody works on it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", EVERY_STATE, ids=lambda agent: agent.name)
@pytest.mark.parametrize("state", ServerState)
def test_an_agent_that_somebody_holds_the_lock_of_is_left_alone_when_it_is_not_seen(agent: Agent, state: ServerState):
    assert changes([agent], seen(state=state), locked=[agent.name]) == []


@pytest.mark.parametrize("lifecycle", Lifecycle)
def test_an_agent_that_somebody_holds_the_lock_of_is_left_alone_when_it_is_seen(lifecycle: Lifecycle):
    """And it is not taken for a new one: a wake that is under way shows its process before the registry knows it."""
    agent = structs.replace(an_agent(), lifecycle=lifecycle, process=None)
    look = seen(a_sighting(300, "session-1", activity=Activity.WORKING))
    assert changes([agent], look, locked=["ada"]) == []


@pytest.mark.parametrize("session", ["session-1", None])
def test_a_waking_agent_is_known_by_the_mark_on_its_pane_before_it_shows_its_conversation(session: str | None):
    agent = an_ended_agent(lifecycle=Lifecycle.WAKING)
    look = seen(a_sighting(300, session, pane=a_pane(agent_id=agent.id)))
    assert match([agent], look) == [(agent, look.sightings[0])]
    assert changes([agent], look, locked=["ada"]) == []


# --- rows that a dead hive left behind ------------------------------------------------------------------------------


def test_a_napping_row_with_nobody_at_work_is_awake_again_while_its_process_is_seen():
    agent = an_agent(lifecycle=Lifecycle.NAPPING, activity=Activity.UNKNOWN, reason="asked for")
    change = only(changes([agent], seen(a_sighting())))
    assert change.after == an_agent(since_at=LATER)
    assert change.event is not None
    assert change.event.kind is EventKind.AGENT_AWAKE
    assert "was napping: asked for" in change.event.text


@pytest.mark.parametrize("state", [ServerState.UP, ServerState.DOWN])
def test_a_napping_row_without_a_process_is_left_to_recovery(state: ServerState):
    agent = an_agent(lifecycle=Lifecycle.NAPPING, activity=Activity.UNKNOWN)
    assert changes([agent], seen(state=state)) == []


@pytest.mark.parametrize("state", [ServerState.UP, ServerState.DOWN])
def test_a_waking_row_with_nobody_at_work_and_no_process_is_asleep_again(state: ServerState):
    change = only(changes([an_ended_agent(lifecycle=Lifecycle.WAKING)], seen(state=state)))
    assert change.after is not None
    assert (change.after.lifecycle, change.after.reason) == (Lifecycle.ASLEEP, "its wake was interrupted")


def test_a_waking_row_with_nobody_at_work_is_awake_when_the_agent_is_seen():
    agent = an_ended_agent(lifecycle=Lifecycle.WAKING)
    (woken,) = after([agent], seen(a_sighting(300, None, pane=a_pane(agent_id=agent.id))))
    assert (woken.lifecycle, woken.process, woken.session_id) == (Lifecycle.AWAKE, ProcessId(300, 3000), "session-1")
