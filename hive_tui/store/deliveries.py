"""What came from outside: noted in the transaction that deals with it, so that it counts once."""

import sqlite3
from datetime import datetime

from hive_tui.store.values import to_us


def note(db: sqlite3.Connection, source: str, key: str, wakeup_id: str | None, *, now: datetime) -> None:
    """Remember that the delivery with this key was dealt with; it must not be known yet."""
    db.execute(
        "INSERT INTO deliveries (source, key, received_at, wakeup_id) VALUES (?, ?, ?, ?)",
        (source, key, to_us(now), wakeup_id),
    )


def is_known(db: sqlite3.Connection, source: str, key: str) -> bool:
    """Whether a delivery with this key was dealt with."""
    row = db.execute("SELECT 1 FROM deliveries WHERE source = ? AND key = ?", (source, key)).fetchone()
    return row is not None


def purge(db: sqlite3.Connection, *, before: datetime, limit: int = 500) -> int:
    """Forget up to `limit` deliveries that are older; how many."""
    gone = db.execute(
        "DELETE FROM deliveries WHERE (source, key) IN"
        " (SELECT source, key FROM deliveries INDEXED BY ix_deliveries_at WHERE received_at < ? LIMIT ?)",
        (to_us(before), limit),
    )
    return gone.rowcount
