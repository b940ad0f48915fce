"""Agents that should work and give no sign of life."""

import sqlite3
from datetime import datetime

from hive_tui.store.values import from_us, to_us


def everyone(db: sqlite3.Connection) -> dict[str, datetime]:
    """Their ids, and when each was last seen to live."""
    return {row["agent_id"]: from_us(row["last_seen_at"]) for row in db.execute("SELECT * FROM stale_agents")}


def mark(db: sqlite3.Connection, agent_id: str, last_seen_at: datetime) -> bool:
    """It is stale now; False if that was known."""
    marked = db.execute("INSERT OR IGNORE INTO stale_agents VALUES (?, ?)", (agent_id, to_us(last_seen_at)))
    return marked.rowcount == 1


def clear(db: sqlite3.Connection, agent_id: str) -> None:
    """It is not, or not any more."""
    db.execute("DELETE FROM stale_agents WHERE agent_id = ?", (agent_id,))
