"""Agents that are found, seen again, or have another conversation."""

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin, PaneRef
from hive_tui.domain.events import EventKind
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import finished, looked_at
from hive_tui.domain.sightings import Session
from tests.builders import NOON, SERVER, a_pane, a_sighting, an_agent, an_ended_agent
from tests.domain.looks import LATER, after, changes, only, seen

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
    (agent,) = after([an_agent()], seen(structs.replace(a_sighting(), session=fresh)))
    assert agent.session_id == "session-2"
    assert agent.transcript is None


def test_a_look_that_shows_no_conversation_takes_none_away():
    unsure = Session(None, "several conversations fit its screen", config_dir="/home/ada/.claude")
    assert changes([an_agent()], seen(structs.replace(a_sighting(), session=unsure))) == []


def test_a_transcript_that_is_out_of_sight_for_a_moment_stays_known():
    hidden = Session("session-1", "its status file", None, "/home/ada/.claude")
    assert changes([an_agent()], seen(structs.replace(a_sighting(), session=hidden))) == []


# --- done and unread --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "is_watched", "is_done"),
    [
        (Activity.WORKING, Activity.IDLE, False, True),
        (Activity.WORKING, Activity.IDLE, True, False),
        (Activity.WORKING, Activity.QUESTION, False, False),
        (Activity.QUESTION, Activity.IDLE, False, False),
        (Activity.UNKNOWN, Activity.IDLE, False, False),
    ],
)
def test_a_turn_that_ends_where_nobody_looks_is_done(before: Activity, now: Activity, is_watched: bool, is_done: bool):
    look = seen(a_sighting(activity=now, pane=a_pane(is_watched=is_watched)))
    assert finished(only(changes([an_agent(activity=before)], look)), look) is is_done


@pytest.mark.parametrize(
    ("agent", "is_watched", "has_nothing_to_show"),
    [
        (an_agent(activity=Activity.IDLE), False, False),
        (an_agent(activity=Activity.IDLE), True, True),
        (an_agent(activity=Activity.WORKING), False, True),
        (an_ended_agent(), False, True),
    ],
    ids=["waits", "is looked at", "goes on", "sleeps"],
)
def test_what_was_looked_at_or_goes_on_has_nothing_to_show(agent: Agent, is_watched: bool, has_nothing_to_show: bool):
    look = seen(a_sighting(pane=a_pane(is_watched=is_watched)))
    assert looked_at([agent], look) == ({agent.id} if has_nothing_to_show else set())


@pytest.mark.parametrize("is_watched", [False, True])
def test_the_end_of_a_turn_is_told_unless_somebody_looks(is_watched: bool):
    working = an_agent(activity=Activity.WORKING)
    sighting = a_sighting(activity=Activity.IDLE, pane=a_pane(is_watched=is_watched))
    change = only(changes([working], seen(sighting)))
    kinds = [change.event.kind] if change.event else []
    assert kinds == ([] if is_watched else [EventKind.AGENT_DONE])
    assert change.after is not None
    again = changes([change.after], seen(sighting))
    assert all(one.event is None for one in again), "an edge, and no state"
