"""Lists of the queue for people: in the order of the turns, a part at a time, and no more than is shown."""

from datetime import timedelta

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.domain.wakeups import Action, Trigger
from hive_tui.store import claims, queue_lists, wakeups
from hive_tui.store.database import Database
from hive_tui.store.queue_lists import Section
from tests.builders import NOON
from tests.store.builders import ask, claim


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


PARTS = {
    Section.ALL: ["running", "urgent", "soon", "soon too", "late", "low", "ended last", "ended first"],
    Section.PENDING: ["urgent", "soon", "soon too", "late", "low"],
    Section.DUE: ["low"],
    Section.RUNNING: ["running"],
    Section.FAILED: ["ended last"],
    Section.HISTORY: ["ended last", "ended first"],
    Section.COMPLETED: ["ended first"],
    Section.CANCELLED: [],
}


@pytest.mark.parametrize("section", Section)
def test_each_part_of_the_queue_is_listed_in_its_order(queue: Database, section: Section):
    for limit in (50, 2):
        found = queue.read(queue_lists.listed, section, now=NOON, limit=limit)
        assert [wakeup.id for wakeup in found] == PARTS[section][:limit]


def test_the_attempts_of_what_is_listed_are_found_with_it(queue: Database):
    found = queue.read(wakeups.recent)
    attempts = queue.read(queue_lists.attempts, found)
    assert set(attempts) == {"ended first", "ended last", "running"}
    for wakeup in found:
        assert list(attempts.get(wakeup.id, ())) == queue.read(wakeups.attempts_of, wakeup.id)


def test_the_queue_of_one_agent_can_be_listed_alone(queue: Database, ada: Agent):
    for limit in (50, 1):
        found = queue.read(queue_lists.of_agent, ada.id, limit=limit)
        assert [wakeup.id for wakeup in found] == ["running", "ended first"][:limit]
