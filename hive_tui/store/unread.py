"""Agents that have finished a turn which nobody has looked at yet. It outlives every dashboard."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from hive_tui.store import settings

PREFIX = "unread:"


def mark(db: sqlite3.Connection, agent_id: str, *, now: datetime) -> None:
    """The agent has something to show."""
    settings.put(db, PREFIX + agent_id, True, now=now)


def clear(db: sqlite3.Connection, agent_ids: Iterable[str]) -> None:
    """Somebody has looked at these agents, or they have gone on."""
    db.executemany("DELETE FROM settings WHERE key = ?", [(PREFIX + agent_id,) for agent_id in agent_ids])


def everyone(db: sqlite3.Connection) -> frozenset[str]:
    """The ids of the agents that have something to show."""
    # A range, and no LIKE: that is answered by the primary key.
    rows = db.execute("SELECT key FROM settings WHERE key >= ? AND key < ?", (PREFIX, PREFIX[:-1] + ";"))
    return frozenset(row["key"].removeprefix(PREFIX) for row in rows)
