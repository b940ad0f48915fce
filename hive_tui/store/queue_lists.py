"""Lists of the queue for people: each reads no more rows than it shows, however long the queue and its history are."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from hive_tui.domain.wakeups import Attempt, Wakeup
from hive_tui.store.values import to_us
from hive_tui.store.wakeups import CLOSED, LEVELS, OPEN, attempts_of, ended, pending, recent, running, select

MOST_COUNTED = 1000
"""Counting what is due takes as long as it is, unlike what the statistics keep."""
DUE = "one.status = 'pending' AND one.priority = level.priority AND one.scheduled_for <= ?"


class Section(StrEnum):
    """A part of the queue."""

    ALL = "all"
    """What runs, what waits in the order of its turn, then what has ended, newest first."""
    PENDING = "pending"
    """What waits, the next to be claimed first."""
    DUE = "due"
    """What waits and could run now, the longest overdue first."""
    RUNNING = "running"
    FAILED = "failed"
    HISTORY = "history"
    """What has ended in any way."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"


def listed(db: sqlite3.Connection, section: Section, *, now: datetime, limit: int) -> list[Wakeup]:
    """Up to `limit` wakeups of a part of the queue."""
    return READERS[section](db, now, limit)


def count_due(db: sqlite3.Connection, *, now: datetime) -> int:
    """How many wakeups wait and could run now; no more than `MOST_COUNTED` are counted."""
    sql = f"{LEVELS} SELECT count(*) FROM (SELECT 1 FROM level, wakeup_requests AS one WHERE {DUE} LIMIT ?)"
    return int(db.execute(sql, (to_us(now), MOST_COUNTED)).fetchone()[0])


def of_agent(db: sqlite3.Connection, agent_id: str, *, limit: int) -> list[Wakeup]:
    """Wakeups of one agent: those that run, those that wait in the order of their turn, then the finished."""
    found: list[Wakeup] = []
    for status, order in (("processing", "seq"), ("pending", "priority DESC, scheduled_for, seq")):
        where = f"agent_id = ? AND {OPEN} AND status = '{status}'"
        found += select(db, f"{where} ORDER BY {order} LIMIT ?", agent_id, limit)
    past = f"agent_id = ? AND {CLOSED} ORDER BY finished_at DESC, seq DESC LIMIT ?"
    return (found + select(db, past, agent_id, limit))[:limit]


def attempts(db: sqlite3.Connection, wakeups: Sequence[Wakeup]) -> dict[str, tuple[Attempt, ...]]:
    """The attempts of these wakeups by their id; one without any is not there."""
    found = {wakeup.id: tuple(attempts_of(db, wakeup.id)) for wakeup in wakeups}
    return {wakeup_id: made for wakeup_id, made in found.items() if made}


def _due(db: sqlite3.Connection, now: datetime, limit: int) -> list[Wakeup]:
    levels = [row[0] for row in db.execute(f"{LEVELS} SELECT priority FROM level WHERE priority IS NOT NULL")]
    where = "status = 'pending' AND priority = ? AND scheduled_for <= ? ORDER BY scheduled_for, seq LIMIT ?"
    due = [one for level in levels for one in select(db, where, level, to_us(now), limit)]
    return sorted(due, key=lambda one: one.scheduled_for)[:limit]


READERS: Mapping[Section, Callable[[sqlite3.Connection, datetime, int], list[Wakeup]]] = {
    Section.ALL: lambda db, _, limit: recent(db, limit=limit),
    Section.PENDING: lambda db, _, limit: pending(db, limit),
    Section.DUE: _due,
    Section.RUNNING: lambda db, _, limit: running(db, limit),
    Section.FAILED: lambda db, _, limit: ended(db, limit, ("failed",)),
    Section.HISTORY: lambda db, _, limit: ended(db, limit),
    Section.COMPLETED: lambda db, _, limit: ended(db, limit, ("completed",)),
    Section.CANCELLED: lambda db, _, limit: ended(db, limit, ("cancelled",)),
}
