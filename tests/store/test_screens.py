"""What screens read by SQLModel is what the store's own functions read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlmodel import Session

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import CheckpointReason, Defect, ValidationError
from hive_tui.domain.errors import StoreError
from hive_tui.domain.wakeups import Action, Trigger
from hive_tui.store import agents, checkpoints, claims, screens, tables, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON
from tests.store.builders import a_checkpoint, ask, claim, enter

T = TypeVar("T")


def shown(database: Database, read: Callable[[Session], T]) -> T:
    with database.session() as session:
        return read(session)


def test_an_empty_hive_shows_nothing(database: Database):
    assert shown(database, screens.agent_names) == {}
    assert shown(database, lambda session: screens.checkpoints(session, limit=5)) == ()
    assert shown(database, lambda session: screens.queue(session, limit=5)) == ((), {})


def test_forgotten_agents_keep_their_name_on_the_screen(database: Database, ada: Agent, bob: Agent):
    database.write(agents.forget, bob.id, now=NOON)
    assert shown(database, screens.agent_names) == {ada.id: "ada", bob.id: "bob"}


def test_the_catalog_is_shown_as_it_was_entered_newest_first(database: Database, ada: Agent, bob: Agent):
    error = ValidationError(Defect.HASH_MISMATCH, "changed", "session/a.jsonl")
    entered = [
        a_checkpoint("c-1"),
        a_checkpoint("c-2", bob.id, is_valid=False, validation_errors=(error,), validated_at=NOON, took_s=1.5),
        a_checkpoint("c-3", session_id="s", reason=CheckpointReason.SAFETY, summary={"workspace": {"branch": "main"}}),
    ]
    for hours, checkpoint in enumerate(entered):
        enter(database, replace(checkpoint, created_at=NOON + timedelta(hours=hours)))
    found = shown(database, lambda session: screens.checkpoints(session, limit=10))
    assert [checkpoint.id for checkpoint in found] == ["c-3", "c-2", "c-1"]
    assert found == tuple(database.read(checkpoints.everything))
    assert shown(database, lambda session: screens.checkpoints(session, limit=2)) == found[:2]


@pytest.fixture
def queue(database: Database, ada: Agent, bob: Agent) -> Database:
    """Two that have ended, one that runs, five that wait, two of these at the same time."""
    ask(database, "ended first", trigger=Trigger.MANUAL, context={"message": "go"}, idempotency_key="k")
    (claimed,) = claim(database)
    database.write(claims.fail, claimed, now=NOON, error="no pane", next_at=NOON, verdict="wake: due")
    (claimed,) = claim(database)
    database.write(claims.complete, claimed, now=NOON, verdict="wake: due", result={"generation": 1})
    ask(database, "ended last", "bob")
    (claimed,) = claim(database)
    database.write(claims.fail, claimed, now=NOON + timedelta(seconds=1), error="gone", next_at=None)
    ask(database, "running")
    claim(database)
    for wakeup_id, priority, in_s in [("low", 0, 0), ("late", 50, 60), ("soon", 50, 3), ("soon too", 50, 3)]:
        ask(database, wakeup_id, "bob", action=Action.NAP, priority=priority, in_s=in_s)
    ask(database, "urgent", "bob", priority=100, in_s=3600)
    return database


def test_the_queue_is_shown_in_the_order_of_the_turns(queue: Database):
    found, _ = shown(queue, lambda session: screens.queue(session, limit=50))
    expected = ["running", "urgent", "soon", "soon too", "late", "low", "ended last", "ended first"]
    assert [wakeup.id for wakeup in found] == expected
    assert found == tuple(queue.read(wakeups.recent))


def test_the_attempts_of_what_is_shown_are_shown_with_it(queue: Database):
    found, attempts = shown(queue, lambda session: screens.queue(session, limit=50))
    assert set(attempts) == {"ended first", "ended last", "running"}
    for wakeup in found:
        assert list(attempts.get(wakeup.id, ())) == queue.read(wakeups.attempts_of, wakeup.id)


def test_no_more_is_read_than_is_asked_for(queue: Database):
    found, attempts = shown(queue, lambda session: screens.queue(session, limit=2))
    assert [wakeup.id for wakeup in found] == ["running", "urgent"]
    assert set(attempts) == {"running"}


def test_a_screen_sees_what_was_written_a_moment_ago(database: Database, ada: Agent):
    assert shown(database, lambda session: screens.queue(session, limit=5))[0] == ()
    ask(database, "w-1")
    assert [wakeup.id for wakeup in shown(database, lambda session: screens.queue(session, limit=5))[0]] == ["w-1"]


def test_a_screen_cannot_write(database: Database):
    with pytest.raises(StoreError, match="readonly"), database.session() as session:
        session.add(tables.AgentTable(id="x", name="x", kind="x", lifecycle="awake"))
        session.commit()


def test_the_queue_of_one_agent_can_be_shown_alone(queue: Database, ada: Agent):
    found, attempts = shown(queue, lambda session: screens.queue(session, limit=50, agent_id=ada.id))
    assert [wakeup.id for wakeup in found] == ["running", "ended first"]
    assert set(attempts) == {"running", "ended first"}
