"""Idempotency keys: a request under the key of a wakeup that is not done with is that wakeup."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from hive_tui.domain.wakeups import NewWakeup
from hive_tui.store.values import to_us

REMEMBERED_FOR = timedelta(days=400)
STANDS_FOR = """
    SELECT asked.id, asked.status IN ('pending', 'processing') AS is_under_way
      FROM wakeup_keys JOIN wakeup_requests AS asked ON asked.id = wakeup_keys.wakeup_id
     WHERE wakeup_keys.key = :key
       AND (is_under_way OR (wakeup_keys.expires_at > :now AND asked.status <> 'failed'))
"""


def holder(db: sqlite3.Connection, key: str, *, now: datetime) -> tuple[str, bool] | None:
    """The id of the wakeup that the key stands for, and whether it is unfinished; None while the key is free.

    A wakeup that failed frees its key: what was asked for has not been done.
    """
    row = db.execute(STANDS_FOR, {"key": key, "now": to_us(now)}).fetchone()
    return None if row is None else (row["id"], bool(row["is_under_way"]))


def note(db: sqlite3.Connection, new: NewWakeup, wakeup_id: str, *, now: datetime) -> None:
    """From now on the key of the request, if it has one, stands for that wakeup."""
    if new.idempotency_key is None:
        return
    expires_at = to_us(now + new.key_window) if new.key_window else None
    db.execute(
        "INSERT INTO wakeup_keys (key, wakeup_id, expires_at) VALUES (?, ?, ?) ON CONFLICT (key)"
        " DO UPDATE SET wakeup_id = excluded.wakeup_id, expires_at = excluded.expires_at",
        (new.idempotency_key, wakeup_id, expires_at),
    )


def move(db: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """The keys of a wakeup that became one with another stand for that one."""
    db.execute("UPDATE wakeup_keys SET wakeup_id = ? WHERE wakeup_id = ?", (to_id, from_id))


def let_go(db: sqlite3.Connection, wakeup_id: str) -> dict[str, int | None]:
    """Free all keys of a wakeup; what they were, with the ends of their windows, for `hand_over`."""
    gone = db.execute("DELETE FROM wakeup_keys WHERE wakeup_id = ? RETURNING key, expires_at", (wakeup_id,))
    return {row["key"]: row["expires_at"] for row in gone.fetchall()}


def hand_over(db: sqlite3.Connection, held: Mapping[str, int | None], wakeup_id: str) -> None:
    """Have keys stand for that wakeup from now on, each as long as before."""
    db.executemany(
        "INSERT INTO wakeup_keys (key, wakeup_id, expires_at) VALUES (?, ?, ?) ON CONFLICT (key)"
        " DO UPDATE SET wakeup_id = excluded.wakeup_id, expires_at = excluded.expires_at",
        [(key, wakeup_id, expires_at) for key, expires_at in held.items()],
    )


def is_taken(db: sqlite3.Connection, wakeup_id: str, key: str | None) -> bool:
    """Whether the key of a wakeup has gone to another one that is unfinished."""
    row = db.execute(
        "SELECT 1 FROM wakeup_keys JOIN wakeup_requests AS other ON other.id = wakeup_keys.wakeup_id"
        " WHERE wakeup_keys.key = ? AND other.id <> ? AND other.status IN ('pending', 'processing')",
        (key, wakeup_id),
    ).fetchone()
    return row is not None


def take_back(db: sqlite3.Connection, wakeup_id: str, key: str | None) -> None:
    """The key of a failed wakeup that is tried again stands for it again, whoever had it meanwhile."""
    if key is not None:
        db.execute(
            "INSERT INTO wakeup_keys (key, wakeup_id) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET wakeup_id = excluded.wakeup_id",
            (key, wakeup_id),
        )


def is_known(db: sqlite3.Connection, key: str) -> bool:
    """Whether the key was ever used, as far as the queue remembers."""
    sql = "SELECT 1 FROM wakeup_keys WHERE key = :key UNION ALL SELECT 1 FROM asked_keys WHERE key = :key LIMIT 1"
    return db.execute(sql, {"key": key}).fetchone() is not None


def remember(db: sqlite3.Connection, wakeups: str, values: Mapping[str, object], *, now: datetime) -> None:
    """Keep the keys that are asked for once and never again, of wakeups that are about to be removed.

    Args:
        db: The database.
        wakeups: An SQL query for the `seq` of these wakeups.
        values: Its parameters.
        now: Aware UTC.
    """
    db.execute(
        "INSERT OR IGNORE INTO asked_keys (key, at) SELECT key, :asked_at FROM wakeup_requests"
        " JOIN wakeup_keys ON wakeup_id = id"
        f" WHERE seq IN ({wakeups}) AND (key GLOB 'budget:*' OR key GLOB 'limit:*')",
        {**values, "asked_at": to_us(now)},
    )
    db.execute("DELETE FROM asked_keys WHERE at < ?", (to_us(now - REMEMBERED_FOR),))
