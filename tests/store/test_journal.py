"""The event log, and the operations that are under way."""

from datetime import timedelta

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.domain.events import OBSERVER, Actor, Event, EventKind, Severity
from hive_tui.store import journal
from hive_tui.store.database import Database
from tests.builders import NOON


def log(database: Database, text: str, agent_id: str | None = None) -> None:
    database.write(journal.log, Event(EventKind.RECOVERED, text, agent_id), now=NOON)


def texts(found: list[journal.LoggedEvent]) -> list[str]:
    return [logged.event.text for logged in found]


@pytest.mark.parametrize(
    "event",
    [
        Event(EventKind.RECOVERED, "it is back"),
        Event(
            EventKind.CHECKPOINT_FAILED,
            "Naïve “quotes”; and\nlines",
            "id-of-ada",
            Actor.person("mina"),
            Severity.FAILURE,
            {"hint": "free space", "path": "caf\udce9", "nested": {"n": [1, None]}},
        ),
        Event(EventKind.AGENT_FOUND, "", "id-of-ada", OBSERVER, Severity.WARNING),
    ],
    ids=["bare", "full", "observer"],
)
def test_an_event_comes_back_as_it_was_logged(database: Database, event: Event):
    database.write(journal.log, event, now=NOON)
    (logged,) = database.read(journal.events)
    assert (logged.event, logged.at) == (event, NOON)


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_can_be_read_again(database: Database, kind: EventKind):
    database.write(journal.log, Event(kind, "it happened"), now=NOON)
    assert [logged.event.kind for logged in database.read(journal.events)] == [kind]


def test_the_newest_events_come_oldest_first(database: Database):
    for text in ("one", "two", "three", "four"):
        log(database, text)
    assert texts(database.read(journal.events, limit=2)) == ["three", "four"]
    assert texts(database.read(journal.events)) == ["one", "two", "three", "four"]


def test_a_follower_gets_what_came_after_the_last_it_has_seen(database: Database):
    for text in ("one", "two"):
        log(database, text)
    seen = database.read(journal.events)[-1].seq
    assert database.read(journal.events, after_seq=seen) == []
    log(database, "three")
    assert texts(database.read(journal.events, after_seq=seen)) == ["three"]


def test_the_events_of_one_agent_are_found_among_many(database: Database):
    for number in range(6):
        log(database, f"event {number}", f"agent {number % 2}")
    log(database, "of nobody")
    assert texts(database.read(journal.events, agent_id="agent 1")) == ["event 1", "event 3", "event 5"]
    assert texts(database.read(journal.events, agent_id="agent 1", limit=1)) == ["event 5"]


def test_an_operation_is_recorded_step_by_step_until_it_ends(database: Database, ada: Agent):
    database.write(journal.begin, ada.id, "nap", {"force": True}, now=NOON)
    (begun,) = database.read(journal.operations)
    assert begun == journal.Operation(ada.id, "nap", "begun", {"force": True}, NOON, NOON)

    later = NOON + timedelta(seconds=5)
    database.write(journal.advance, ada.id, "exiting", {"processes": [[1, 2]]}, now=later)
    (advanced,) = database.read(journal.operations)
    assert advanced == journal.Operation(ada.id, "nap", "exiting", {"force": True, "processes": [[1, 2]]}, NOON, later)

    database.write(journal.end, ada.id)
    assert database.read(journal.operations) == []


def test_a_step_with_nothing_new_to_say_keeps_the_state(database: Database, ada: Agent):
    database.write(journal.begin, ada.id, "wake", {"wakeup_id": "w"}, now=NOON)
    database.write(journal.advance, ada.id, "typed", now=NOON)
    (operation,) = database.read(journal.operations)
    assert (operation.step, operation.state) == ("typed", {"wakeup_id": "w"})


def test_an_operation_replaces_one_of_the_same_agent_that_was_cut_off(database: Database, ada: Agent, bob: Agent):
    database.write(journal.begin, ada.id, "nap", {"old": 1}, now=NOON)
    database.write(journal.begin, bob.id, "restore", now=NOON + timedelta(seconds=1))
    database.write(journal.begin, ada.id, "wake", now=NOON + timedelta(seconds=2))
    found = database.read(journal.operations)
    assert [(operation.agent_id, operation.kind, operation.state) for operation in found] == [
        (bob.id, "restore", {}),
        (ada.id, "wake", {}),
    ]


def test_the_steps_of_one_agent_leave_the_operation_of_another_alone(database: Database, ada: Agent, bob: Agent):
    database.write(journal.begin, ada.id, "nap", now=NOON)
    database.write(journal.begin, bob.id, "nap", now=NOON)
    database.write(journal.advance, ada.id, "exiting", {"x": 1}, now=NOON)
    database.write(journal.end, bob.id)
    assert [(operation.agent_id, operation.step) for operation in database.read(journal.operations)] == [
        (ada.id, "exiting")
    ]


def log_at(database: Database, minutes: list[int]) -> None:
    """An event each, so many minutes after noon."""
    for minute in minutes:
        database.write(journal.log, Event(EventKind.RECOVERED, str(minute)), now=NOON + timedelta(minutes=minute))


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_events_since_a_time_begin_with_the_first_one_of_it(database: Database, count: int):
    log_at(database, list(range(1, count + 1)))
    for first in sorted({1, 2, 62, 63, 64, 65, 66, 128, 129, count} & set(range(1, count + 1))):
        since = NOON + timedelta(minutes=first)
        assert database.read(journal.seq_before, since) == first - 1, first
        assert database.read(journal.seq_before, since - timedelta(seconds=30)) == first - 1, first
    assert database.read(journal.seq_before, NOON + timedelta(days=1)) == count


def test_old_events_go_also_where_the_clock_was_set_back(database: Database):
    ahead, old = list(range(5000, 5300)), list(range(300))
    log_at(database, [*ahead, *old, 6000])
    gone = [database.write(journal.purge_events, before=NOON + timedelta(minutes=400), limit=100) for _ in range(5)]
    assert (sum(gone), gone[-1]) == (300, 0), gone
    assert len(database.read(journal.events, limit=1000)) == 301
