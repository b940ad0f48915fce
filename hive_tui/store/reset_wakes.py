"""Wakes that wait for the end of a usage limit, and go with it when another limit lasts than the one they were for."""

import sqlite3
from datetime import datetime

from msgspec import Struct, structs

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.store import agents as agent_store
from hive_tui.store import keys
from hive_tui.store.values import to_us


class Move(Struct, frozen=True):
    """Where such a wake goes."""

    at: datetime
    """When it is due from now on; aware UTC."""
    key: str
    """The idempotency key of the limit that it waits for now."""
    reason: str
    """Why its agent sleeps, if it does."""
    reason_begins: str
    """How that reason begins of an agent that sleeps for a limit; no other one is changed."""


def move(db: sqlite3.Connection, shown: Wakeup, to: Move, *, now: datetime) -> bool:
    """Move it; False if it has begun or was changed since it was read, or another wake stands for that limit.

    The key of a limit that nobody sleeps through yet is not noted, since each limit is slept through once.
    """
    held = keys.holder(db, to.key, now=now)
    if held is not None and held[0] != shown.id:
        return False
    moved = db.execute(
        "UPDATE wakeup_requests SET scheduled_for = ?, idempotency_key = ?"
        " WHERE id = ? AND status = 'pending' AND scheduled_for = ? AND attempts = 0",
        (to_us(to.at), to.key, shown.id, to_us(shown.scheduled_for)),
    )
    agent = agent_store.get(db, shown.agent_id)
    if moved.rowcount == 1 and agent.lifecycle is Lifecycle.ASLEEP and agent.reason.startswith(to.reason_begins):
        agent_store.put(db, structs.replace(agent, reason=to.reason))
        note(db, shown, to.key, now=now)
    return moved.rowcount == 1


def note(db: sqlite3.Connection, wakeup: Wakeup, key: str, *, now: datetime) -> None:
    """The agent sleeps through the limit with that key, until this wakeup."""
    new = NewWakeup(wakeup.agent_id, Trigger.LIMIT_RESET, wakeup.scheduled_for, idempotency_key=key)
    keys.note(db, new, wakeup.id, now=now)
