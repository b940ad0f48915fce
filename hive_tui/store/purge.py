"""Removes wakeups that ended long ago, few at a time, so that nobody waits for the writer."""

import sqlite3
from datetime import datetime

from hive_tui.domain.windows import LOOK_BACK
from hive_tui.store import keys
from hive_tui.store.values import to_us
from hive_tui.store.wakeups import ENDED

BATCH = 500
"""So many rows in one transaction."""

# A nap of the last days is how the end of its sleep window knows whom to wake; a key may still stand for its wakeup.
OLD = """
    status = :status AND finished_at IS NOT NULL AND finished_at < :before
    AND (action <> 'nap' OR created_at < :look_back)
    AND NOT EXISTS (SELECT 1 FROM wakeup_keys WHERE wakeup_id = wakeup_requests.id AND expires_at > :now)
"""


def count_old(db: sqlite3.Connection, before: datetime, *, now: datetime) -> int:
    """How many wakeups that ended before then would be removed; unfinished ones never are."""
    sql = f"SELECT count(*) FROM wakeup_requests WHERE {OLD}"
    return sum(db.execute(sql, _values(status, before, now)).fetchone()[0] for status in ENDED)


def remove_batch(db: sqlite3.Connection, before: datetime, *, now: datetime, limit: int) -> int:
    """Remove up to `limit` of them, with their attempts and keys; how many it were."""
    removed = 0
    old = f"SELECT seq FROM wakeup_requests WHERE {OLD} ORDER BY finished_at, seq LIMIT :limit"
    for status in ENDED:
        values = {**_values(status, before, now), "limit": limit - removed}
        keys.remember(db, old, values, now=now)
        removed += db.execute(f"DELETE FROM wakeup_requests WHERE seq IN ({old})", values).rowcount
    return removed


def _values(status: str, before: datetime, now: datetime) -> dict[str, object]:
    return {"status": status, "before": to_us(before), "look_back": to_us(now - LOOK_BACK), "now": to_us(now)}
