"""The registry follows what is seen: who is new, who is back, who went, and who is left alone."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_tui.domain.agents import FOLLOWS, Activity, Agent, Hosting, Lifecycle, Origin, PaneRef
from hive_tui.domain.events import EventKind, Severity
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import Change, Ending, Seen, ServerState, applied, from_sighting, match, reconcile
from hive_tui.domain.sightings import Claim, Session, Sighting
from tests.builders import NOON, SERVER, a_pane, a_process, a_sighting, an_agent, an_ended_agent

LATER = NOON + timedelta(minutes=5)
OTHER_SERVER = "901:7"


def seen(
    *sightings: Sighting,
    state: ServerState = ServerState.UP,
    server: str | None = SERVER,
    alive: Iterable[ProcessId] = (),
    ending: Ending | Callable[[Agent], Ending] = Ending.CRASHED,
    at: datetime = LATER,
) -> Seen:
    """One look. Alive is what was seen, and `alive` beside it."""
    there = {sighting.root.id for sighting in sightings} | set(alive)
    return Seen(
        state,
        server if state is ServerState.UP else None,
        sightings,
        is_alive=there.__contains__,
        ending=ending if callable(ending) else lambda agent: ending,
        at=at,
    )


def changes(
    agents: Sequence[Agent], look: Seen, *, locked: Collection[str] = (), kept: Collection[str] = ()
) -> list[Change]:
    numbers = count(1)
    return reconcile(
        agents,
        look,
        locked={f"id-of-{name}" for name in locked},
        worth_keeping={f"id-of-{name}" for name in kept},
        new_id=lambda: f"new-{next(numbers)}",
    )


def after(agents: Sequence[Agent], look: Seen, **keep: Any) -> list[Agent]:
    return applied(agents, changes(agents, look, **keep))


def only(found: list[Change]) -> Change:
    (change,) = found
    return change


# --- found and seen again -------------------------------------------------------------------------------------------


def test_an_unknown_agent_in_a_pane_is_found_and_named_after_its_folder():
    change = only(changes([], seen(a_sighting(activity=Activity.WORKING, detail="its status file says busy"))))
    assert change.before is None
    assert change.after == Agent(
        id="new-1",
        name="engine",
        kind="claude",
        lifecycle=Lifecycle.AWAKE,
        activity=Activity.WORKING,
        reason="its status file says busy",
        since_at=LATER,
        origin=Origin.FOUND,
        cwd="/home/ada/engine",
        hosting=Hosting.SHELL,
        pane=PaneRef(SERVER, "%1"),
        process=ProcessId(100, 1000),
        session_id="session-1",
        transcript="/home/ada/.claude/projects/engine/session-1.jsonl",
        config_dir="/home/ada/.claude",
        argv=("claude",),
    )
    assert change.event is not None
    assert change.event.kind is EventKind.AGENT_FOUND
    assert change.event.text == "Found engine: claude in pane %1 (work:0.0)"


def test_several_new_agents_of_one_folder_get_names_of_their_own():
    found = changes(
        [],
        seen(
            a_sighting(100, "s1", pane=a_pane("%1")),
            a_sighting(200, "s2", pane=a_pane("%2")),
            a_sighting(300, "s3", pane=a_pane("%3"), kind="codex"),
        ),
    )
    assert [change.after.name for change in found if change.after] == ["engine", "engine-2", "engine-codex"]
    assert len({change.after.id for change in found if change.after}) == 3


def test_nothing_changes_while_everything_stays_as_it_is():
    assert changes([an_agent()], seen(a_sighting())) == []


def test_a_new_activity_starts_a_new_span_and_tells_nobody():
    change = only(changes([an_agent()], seen(a_sighting(activity=Activity.WORKING, detail="it streams"))))
    assert change.after == an_agent(activity=Activity.WORKING, reason="it streams", since_at=LATER)
    assert change.event is None


def test_a_new_reason_for_the_same_activity_does_not_start_a_new_span():
    change = only(changes([an_agent()], seen(a_sighting(detail="its last turn has ended"))))
    assert change.after == an_agent(reason="its last turn has ended", since_at=NOON)


def test_an_agent_that_moved_to_another_pane_is_the_same_one():
    change = only(changes([an_agent()], seen(a_sighting(pane=a_pane("%8")))))
    assert change.after == an_agent(pane=PaneRef(SERVER, "%8"))


def test_the_start_folder_stays_when_the_running_agent_changes_its_directory():
    assert changes([an_agent()], seen(a_sighting(cwd="/tmp"))) == []


def test_the_start_folder_follows_when_the_agent_was_started_again_elsewhere():
    change = only(changes([an_agent()], seen(a_sighting(200, "session-1", cwd="/home/ada/other"))))
    assert change.after is not None
    assert change.after.cwd == "/home/ada/other"
    assert change.after.process == ProcessId(200, 2000)


@pytest.mark.parametrize(
    ("known", "now", "written"),
    [
        (200_000_000, 205_000_000, 200_000_000),
        (200_000_000, 225_000_000, 225_000_000),
        (1_000_000_000, 1_050_000_000, 1_000_000_000),
        (1_000_000_000, 880_000_000, 880_000_000),
        (0, 20_000_000, 20_000_000),
    ],
)
def test_small_changes_of_memory_are_not_worth_a_write(known: int, now: int, written: int):
    (agent,) = after([an_agent(memory_bytes=known)], seen(a_sighting(memory_bytes=now)))
    assert agent.memory_bytes == written


# --- the conversation changes ---------------------------------------------------------------------------------------


def test_clear_gives_the_same_agent_another_conversation():
    change = only(changes([an_agent()], seen(a_sighting(100, "session-2"))))
    assert change.after == an_agent(
        session_id="session-2", transcript="/home/ada/.claude/projects/engine/session-2.jsonl"
    )


def test_the_transcript_of_the_old_conversation_does_not_stay_with_the_new_one():
    """After `/clear` the new id is known at once, and its transcript only with the first message."""
    fresh = Session("session-2", "its status file", None, "/home/ada/.claude")
    (agent,) = after([an_agent()], seen(replace(a_sighting(), session=fresh)))
    assert agent.session_id == "session-2"
    assert agent.transcript is None


def test_a_look_that_shows_no_conversation_takes_none_away():
    unsure = Session(None, "several conversations fit its screen", config_dir="/home/ada/.claude")
    assert changes([an_agent()], seen(replace(a_sighting(), session=unsure))) == []


def test_a_transcript_that_is_out_of_sight_for_a_moment_stays_known():
    hidden = Session("session-1", "its status file", None, "/home/ada/.claude")
    assert changes([an_agent()], seen(replace(a_sighting(), session=hidden))) == []


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
    "the tmux server is gone": Situation(
        seen(state=ServerState.DOWN, ending=Ending.QUIT), Lifecycle.FAILED, "crashed: the tmux server ended"
    ),
    "another tmux server runs now": Situation(
        seen(server=OTHER_SERVER, ending=Ending.CLOSED), Lifecycle.FAILED, "crashed: the tmux server ended"
    ),
}


@pytest.mark.parametrize("situation", ENDINGS.values(), ids=ENDINGS.keys())
def test_an_agent_whose_process_is_gone(situation: Situation):
    agent = an_agent(session_id=situation.session_id)
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
    assert change.after == replace(
        agent,
        lifecycle=situation.lifecycle,
        activity=Activity.UNKNOWN,
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
    agent = replace(an_agent(), lifecycle=lifecycle, process=None)
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
    return an_ended_agent(), replace(stand_in, id="id-of-stand-in", name="stand-in")


@pytest.mark.parametrize("names", [("ada", "zoe"), ("zoe", "ada")])
def test_when_its_conversation_becomes_known_later_the_stand_in_leaves(names: tuple[str, str]):
    sleeper, stand_in = (replace(one, name=name) for one, name in zip(resumed_by_hand(), names, strict=True))
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
    sleeper, stand_in = (replace(one, name=name) for one, name in zip(resumed_by_hand(), names, strict=True))
    look = seen(a_sighting(300, "session-1"))
    everyone = sorted([sleeper, stand_in], key=lambda agent: agent.name)
    held = applied(everyone, changes(everyone, look, locked=["stand-in"]))
    assert len(held) == 2
    assert [agent.id for agent in after(held, look)] == [sleeper.id]


def test_an_adopted_agent_is_nobodys_stand_in():
    sleeper, stand_in = resumed_by_hand()
    adopted = replace(stand_in, origin=Origin.ADOPTED)
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
        replace(an_agent("ada", process=ProcessId(100, 1000), session_id="s-ada", **facts)),
        replace(an_agent("bob", process=ProcessId(200, 2000), session_id="s-bob", pane=PaneRef(SERVER, "%2"), **facts)),
    ]


def asleep(agents: Iterable[Agent]) -> list[Agent]:
    return [replace(agent, lifecycle=Lifecycle.ASLEEP, process=None) for agent in agents]


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
    look = seen(replace(a_sighting(), root=a_process(100, 5), session=Session("session-2", "its status file")))
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


# --- whatever happens -----------------------------------------------------------------------------------------------


def some_agent(number: int, lifecycle: Lifecycle, session: str | None, origin: Origin) -> Agent:
    runs = lifecycle in (Lifecycle.AWAKE, Lifecycle.NAPPING)
    return an_agent(
        f"agent-{number}",
        lifecycle=lifecycle,
        process=ProcessId(100 + number, (100 + number) * 10) if runs else None,
        session_id=session,
        origin=origin,
        pane=PaneRef(SERVER, f"%{number}"),
    )


SESSIONS = st.sampled_from([None, "s1", "s2", "s3"])
REGISTRIES = st.lists(st.tuples(st.sampled_from(Lifecycle), SESSIONS, st.sampled_from(Origin)), max_size=4).map(
    lambda rows: [some_agent(number, *row) for number, row in enumerate(rows)]
)
SIGHTINGS = st.dictionaries(st.integers(100, 106), st.tuples(SESSIONS, st.integers(0, 4)), max_size=4).map(
    lambda found: [
        a_sighting(pid, session, pane=a_pane(f"%{pid}", agent_id=f"id-of-agent-{marked}"))
        for pid, (session, marked) in found.items()
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    registry=REGISTRIES,
    sightings=SIGHTINGS,
    state=st.sampled_from(ServerState),
    ending=st.sampled_from(Ending),
    locked=st.sets(st.sampled_from(["agent-0", "agent-1"])),
)
def test_whatever_is_seen_the_registry_stays_in_order(
    registry: list[Agent], sightings: list[Sighting], state: ServerState, ending: Ending, locked: set[str]
):
    look = seen(*(sightings if state is ServerState.UP else []), state=state, ending=ending)
    found = changes(registry, look, locked=locked)
    changed = [change.before.id for change in found if change.before]
    assert len(changed) == len(set(changed)), "one change an agent at most"
    assert not {f"id-of-{name}" for name in locked} & set(changed), "locked agents are left alone"
    for change in found:
        if change.before and change.after:
            here, there = change.before.lifecycle, change.after.lifecycle
            assert here is there or there in FOLLOWS[here]
    now = applied(registry, found)
    assert len({agent.name for agent in now}) == len(now)
    seen_again = {agent.process for agent in now if agent.id not in {f"id-of-{name}" for name in locked}}
    if not locked:
        assert {sighting.root.id for sighting in look.sightings} <= seen_again, "every sighting is somebody"
        assert changes(now, replace(look, at=LATER)) == [], "the same look a second time changes nothing"


def test_from_sighting_takes_the_strongest_claim():
    claims = (Claim(Activity.LIMITED, "screen", "the usage limit is reached"), Claim(Activity.IDLE, "status file", "x"))
    agent = from_sighting(an_agent(), replace(a_sighting(), claims=claims), LATER)
    assert (agent.activity, agent.reason, agent.since_at) == (Activity.LIMITED, "the usage limit is reached", LATER)
