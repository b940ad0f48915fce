"""No statement of the hot path reads rows that it is not about, however long the queue and its history are."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest

from hive_tui.domain.breaker import BreakerPolicy
from hive_tui.domain.wakeups import Action, NewWakeup, Trigger
from hive_tui.store import claims, purge, queue_lists, stats, wake_states, wakeups
from hive_tui.store.queue_lists import Section
from tests.builders import NOON
from tests.store.memory import in_memory

LATER = NOON + timedelta(minutes=2)


def work(db: sqlite3.Connection) -> None:
    """Everything that is done to a wakeup from its request to its removal."""
    new = NewWakeup("id-of-ada", Trigger.GOAL, NOON, idempotency_key="k", key_window=timedelta(hours=1))
    for number in range(2):
        wakeups.enqueue(db, new, f"wakeup-{number}", now=NOON)
    other = NewWakeup("id-of-ada", Trigger.WEBHOOK, NOON, context={"payload": 1})
    wakeups.enqueue(db, other, "merged", now=NOON)
    (claimed,) = claims.claim_due(db, by="worker", now=NOON, limit=5)
    wakeups.enqueue(db, other, "absorbed", now=NOON)
    claims.renew(db, [claimed], now=NOON)
    claims.fail(db, claimed, now=NOON, error="no pane", next_at=LATER)
    wake_states.failed(db, "id-of-ada", BreakerPolicy(), now=NOON)
    wakeups.retry_now(db, claimed.id, now=NOON)
    (claimed,) = claims.claim_due(db, by="worker", now=NOON, limit=5)
    claims.defer(db, claimed, now=NOON, until=LATER, verdict="defer: held: x", reason="x")
    wakeups.postpone(db, claimed.id, NOON)
    wakeups.set_priority(db, claimed.id, 90)
    again = claims.claim_one(db, claimed.id, by="worker", now=NOON)
    assert again is not None
    claims.complete(db, again, now=NOON, verdict="wake", result={"resumed": True})
    wake_states.succeeded(db, "id-of-ada", now=NOON)
    claims.recover_orphans(db, now=LATER, next_at=lambda _: LATER, only_expired=True)
    wakeups.enqueue(db, NewWakeup("id-of-ada", Trigger.FILE, NOON, Action.NAP), "cancelled", now=NOON)
    wakeups.cancel(db, "cancelled", now=NOON)
    purge.remove_batch(db, NOON, now=NOON, limit=5)


def read(db: sqlite3.Connection) -> None:
    """What the heartbeat, the gate and the screens ask all the time."""
    wakeups.next_due_at(db)
    wakeups.next_wake_times(db)
    wakeups.depth(db)
    wakeups.unfinished_wakes(db, "id-of-ada")
    for section in Section:
        queue_lists.listed(db, section, now=NOON, limit=5)
    wakeup = queue_lists.of_agent(db, "id-of-ada", limit=5)[0]
    wake_states.repeats(db, wakeup, timedelta(minutes=1), now=NOON)
    wake_states.was_deferred_by(db, wakeup.id, "stagger")
    stats.since(db, NOON.date())


FEW = ("ix_wakeups_lease",)
"""A partial index of the few rows that run."""
GROWING = ("wakeup_requests", "wakeup_attempts", "wakeup_keys", "asked", "other", "one")
OF_ONE_AGENT = "agent_id = 'id-of-ada' AND (finished_at IS NULL) = 1"
"""What one agent waits for is a row or two, and may be sorted."""
FIRST = "WHERE status = 'pending' ORDER BY priority DESC, scheduled_for, seq LIMIT 5"
"""Reads an index from its begin, in its order, and stops."""


def walks(db: sqlite3.Connection, statement: str) -> list[str]:
    """The steps of a statement's plan that walk over a table or an index that grows, or sort what grows."""
    steps = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    found = [step for step in steps if step.startswith("SCAN") and step.split()[1] in GROWING]
    found = [step for step in found if not any(few in step for few in FEW) and statement[-len(FIRST) :] != FIRST]
    sorts = [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step and OF_ONE_AGENT not in statement]
    return found + sorts


@pytest.mark.parametrize("deed", [work, read])
def test_every_statement_finds_its_rows_by_an_index(deed: Callable[[sqlite3.Connection], None]):
    db = in_memory("ada")
    if deed is read:
        work(db)
    seen: list[str] = []
    db.set_trace_callback(seen.append)
    deed(db)
    db.set_trace_callback(None)
    asked = [one for one in seen if one.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT"))]
    assert len(asked) > 10
    assert {statement: walked for statement in asked if (walked := walks(db, statement))} == {}
