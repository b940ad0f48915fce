"""Small facts that live in the database: switches, the heartbeat's sign of life, saved layouts."""

import sqlite3
from datetime import datetime
from typing import Any

from hive_tui.domain.panes import Topology
from hive_tui.store.values import from_json, from_us, to_json, to_us

PAUSED = "paused"
HEARTBEAT = "heartbeat"
ANSWERED_AT = "answered_at"
"""In the heartbeat's sign of life: when tmux last answered, as ISO 8601."""
RESTS = "rests"
"""In the same: there while nothing runs, when the next sign comes two minutes later."""


def get(db: sqlite3.Connection, key: str, default: Any = None) -> Any:
    """The value stored under `key`."""
    row = db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return default if row is None else from_json(row["value"])


def put(db: sqlite3.Connection, key: str, value: Any, *, now: datetime) -> None:
    """Store a value under `key`."""
    db.execute(
        "INSERT INTO settings (key, value, updated_at) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        (key, to_json(value), to_us(now)),
    )


def updated_at(db: sqlite3.Connection, key: str) -> datetime | None:
    """When the value under `key` was last written."""
    row = db.execute("SELECT updated_at FROM settings WHERE key = ?", (key,)).fetchone()
    return None if row is None else from_us(row["updated_at"])


def save_topology(db: sqlite3.Connection, topology: Topology, *, now: datetime) -> None:
    """Keep the layout of one run of a tmux server; the last eight runs are kept."""
    db.execute(
        "INSERT OR REPLACE INTO topologies (server, seen_at, body) VALUES (?, ?, ?)",
        (topology.server, to_us(now), to_json(topology.to_json())),
    )
    db.execute(
        "DELETE FROM topologies WHERE server NOT IN (SELECT server FROM topologies ORDER BY seen_at DESC LIMIT 8)"
    )


def topologies(db: sqlite3.Connection) -> list[Topology]:
    """Saved layouts, the one seen last first."""
    rows = db.execute("SELECT body FROM topologies ORDER BY seen_at DESC")
    return [Topology.from_json(from_json(row["body"])) for row in rows]
