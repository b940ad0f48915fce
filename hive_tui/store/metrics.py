"""Figures: sums per hour, per day and for ever, and what they are made of until it is counted."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hive_tui.store.values import from_json, from_us, to_us

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
HOURS_KEPT, DAYS_KEPT = timedelta(days=35), timedelta(days=400)
"""Older sums go; those for ever stay, one row for each agent and label."""
ADD = (
    "INSERT INTO metric_sums (scale, name, bucket, agent_id, labels, value) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (scale, name, bucket, agent_id, labels) DO UPDATE SET value = value + excluded.value"
)


@dataclass(frozen=True, slots=True)
class Addition:
    """So much more of something."""

    name: str
    value: float
    at: datetime
    agent_id: str = ""
    labels: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done and is not counted yet."""

    seq: int
    what: str
    at: datetime
    agent_id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of one name, agent and set of labels in one bucket."""

    name: str
    bucket: int
    agent_id: str
    labels: str
    value: float


@dataclass(frozen=True, slots=True)
class OpenWake:
    """A wake of which something is not known yet."""

    wakeup_id: str
    agent_id: str
    source: str
    woken_at: datetime
    is_judged: bool


def add(db: sqlite3.Connection, additions: Iterable[Addition]) -> None:
    """Add to the sums of their hour, of their day and for ever."""
    rows = []
    for one in additions:
        us = to_us(one.at)
        for scale, bucket in (("hour", us // HOUR_US), ("day", us // DAY_US), ("ever", 0)):
            rows.append((scale, one.name, bucket, one.agent_id, one.labels, one.value))
    db.executemany(ADD, rows)


def sums(
    db: sqlite3.Connection, scale: str, names: Sequence[str] = (), *, since: int = 0, agent_id: str | None = None
) -> list[Sum]:
    """Sums of buckets from `since` on: of all names where none is given, of one agent if that is named."""
    named = f"AND name IN ({', '.join('?' for _ in names)})" if names else ""
    rows = db.execute(
        "SELECT name, bucket, agent_id, labels, value FROM metric_sums"
        f" WHERE scale = ? {named} AND bucket >= ? AND (? IS NULL OR agent_id IN (?, ''))",
        (scale, *names, since, agent_id, agent_id),
    )
    return [Sum(*row) for row in map(tuple, rows)]


def hourly(db: sqlite3.Connection, names: Sequence[str], *, since: int, agent_id: str | None = None) -> list[Sum]:
    """Sums of hours from `since` on, of one agent if it is named, else of all together."""
    rows = db.execute(
        "SELECT name, bucket, '', labels, sum(value) FROM metric_sums"
        f" WHERE scale = 'hour' AND name IN ({', '.join('?' for _ in names)}) AND bucket >= ?"
        " AND (? IS NULL OR agent_id IN (?, '')) GROUP BY name, bucket, labels",
        (*names, since, agent_id, agent_id),
    )
    return [Sum(*row) for row in map(tuple, rows)]


def put_latest(db: sqlite3.Connection, one: Addition) -> None:
    """Store a value, unless a newer one is there."""
    db.execute(
        "INSERT INTO metric_latest (name, agent_id, labels, value, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name, agent_id, labels) DO UPDATE SET value = excluded.value, at = excluded.at"
        " WHERE excluded.at >= metric_latest.at",
        (one.name, one.agent_id, one.labels, one.value, to_us(one.at)),
    )


def latest(db: sqlite3.Connection) -> list[Sum]:
    """All values of which only the latest counts."""
    rows = db.execute("SELECT name, 0, agent_id, labels, value FROM metric_latest")
    return [Sum(*row) for row in map(tuple, rows)]


def take(db: sqlite3.Connection, *, limit: int) -> list[Entry]:
    """Take up to `limit` entries out of the inbox, the oldest first; count them in the same transaction."""
    rows = db.execute(
        "SELECT seq, what, at, agent_id, body FROM metric_inbox ORDER BY seq LIMIT ?", (limit,)
    ).fetchall()
    if rows:
        db.execute("DELETE FROM metric_inbox WHERE seq <= ?", (rows[-1][0],))
    return [Entry(row[0], row[1], from_us(row[2]), row[3], from_json(row[4])) for row in map(tuple, rows)]


def mark(db: sqlite3.Connection, name: str) -> tuple[int, str] | None:
    """What was noted under a name."""
    row = db.execute("SELECT value, said FROM metric_marks WHERE name = ?", (name,)).fetchone()
    return None if row is None else (row[0], row[1])


def put_mark(db: sqlite3.Connection, name: str, value: int, said: str = "") -> None:
    """Note something under a name."""
    db.execute("INSERT OR REPLACE INTO metric_marks (name, value, said) VALUES (?, ?, ?)", (name, value, said))


def open_wake(db: sqlite3.Connection, wakeup_id: str, agent_id: str, source: str, woken_at: datetime) -> None:
    """Remember a wake until it is known what it was for."""
    db.execute(
        "INSERT OR IGNORE INTO metric_wakes (wakeup_id, agent_id, source, woken_at) VALUES (?, ?, ?, ?)",
        (wakeup_id, agent_id, source, to_us(woken_at)),
    )


def open_wakes(db: sqlite3.Connection) -> list[OpenWake]:
    """All of them, oldest first."""
    rows = db.execute("SELECT wakeup_id, agent_id, source, woken_at, judged_at FROM metric_wakes ORDER BY woken_at")
    return [OpenWake(row[0], row[1], row[2], from_us(row[3]), row[4] is not None) for row in map(tuple, rows)]


def judged(db: sqlite3.Connection, wakeup_id: str, *, now: datetime) -> bool:
    """Note that its use is known; False if that was noted before."""
    done = db.execute(
        "UPDATE metric_wakes SET judged_at = ? WHERE wakeup_id = ? AND judged_at IS NULL", (to_us(now), wakeup_id)
    )
    return done.rowcount == 1


def close_wake(db: sqlite3.Connection, wakeup_id: str) -> bool:
    """Nothing more is to be found out about it; False if it was closed before."""
    return db.execute("DELETE FROM metric_wakes WHERE wakeup_id = ?", (wakeup_id,)).rowcount == 1


def answered_at(db: sqlite3.Connection, agent_id: str, *, after: datetime) -> datetime | None:
    """When the agent got its first answer of a model after that time; None if it got none."""
    row = db.execute(
        "SELECT min(at) FROM token_usage WHERE agent_id = ? AND at > ?", (agent_id, to_us(after))
    ).fetchone()
    return None if row[0] is None else from_us(row[0])


def slept_at(db: sqlite3.Connection, agent_id: str, *, after: datetime) -> datetime | None:
    """When the agent went to sleep first after that time; None if it did not."""
    row = db.execute(
        "SELECT min(at) FROM events WHERE agent_id = ? AND kind = 'agent.sleeping' AND at > ?",
        (agent_id, to_us(after)),
    ).fetchone()
    return None if row[0] is None else from_us(row[0])


def forget_old(db: sqlite3.Connection, *, now: datetime) -> None:
    """Remove the sums of hours and days that nobody looks at any more."""
    for scale, kept, unit in (("hour", HOURS_KEPT, HOUR_US), ("day", DAYS_KEPT, DAY_US)):
        oldest = to_us(now - kept) // unit
        names = [row[0] for row in db.execute("SELECT DISTINCT name FROM metric_sums WHERE scale = ?", (scale,))]
        for name in names:  # each is one range of the key
            db.execute("DELETE FROM metric_sums WHERE scale = ? AND name = ? AND bucket < ?", (scale, name, oldest))


def tokens_by_hour(
    db: sqlite3.Connection, *, since: datetime, agent_id: str | None = None
) -> list[tuple[int, int, int, int, int]]:
    """Hour since the epoch, then input, cache writes, cache reads and output of what was answered in it."""
    rows = db.execute(
        "SELECT at / 3600000000, sum(input), sum(cache_write), sum(cache_read), sum(output) FROM token_usage"
        " WHERE at >= ? AND (? IS NULL OR agent_id = ?) GROUP BY 1",
        (to_us(since), agent_id, agent_id),
    )
    return [tuple(row) for row in rows]


def tokens_ever(db: sqlite3.Connection) -> list[tuple[str, int, int, int, int]]:
    """Agent id, then input, cache writes, cache reads and output since there are records."""
    rows = db.execute(
        "SELECT agent_id, sum(input), sum(cache_write), sum(cache_read), sum(output) FROM ("
        "SELECT agent_id, input, cache_write, cache_read, output FROM token_usage UNION ALL"
        " SELECT agent_id, input, cache_write, cache_read, output FROM token_days) GROUP BY agent_id"
    )
    return [tuple(row) for row in rows]
