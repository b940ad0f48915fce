"""Statistics of the queue: counters that the same transactions keep, so that reading them takes no scan."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from hive_tui.store.values import EPOCH, to_us

REPEATED, MERGED, DEFERRED, RETRIED = "repeated", "merged", "deferred", "retried"
"""What is counted beside `asked` and the statuses in which wakeups end: these are triggers of the schema."""
COLUMNS = ("asked", REPEATED, MERGED, "completed", RETRIED, DEFERRED, "failed", "cancelled")
"""All that is counted, in the order in which people want to see it."""
DAY_US = 86_400_000_000
NOW = "SELECT what, n FROM wakeup_stats WHERE day = -1"
"""Not of any day: how many rows of each status there are."""


class DayCount(Struct, frozen=True):
    """How often something happened on one day, by one trigger."""

    day: date
    """In UTC."""
    trigger: str
    what: str
    """One of `COLUMNS`."""
    count: int


def count(db: sqlite3.Connection, trigger: str, what: str, *, now: datetime) -> None:
    """Count one more of it today."""
    db.execute(
        'INSERT INTO wakeup_stats (day, "trigger", what, n) VALUES (?, ?, ?, 1)'
        ' ON CONFLICT (day, "trigger", what) DO UPDATE SET n = n + 1',
        (to_us(now) // DAY_US, trigger, what),
    )


def by_status(db: sqlite3.Connection) -> Mapping[str, int]:
    """How many rows of each status there are now; a status that no row has had is not there."""
    return {row["what"]: row["n"] for row in db.execute(NOW)}


def since(db: sqlite3.Connection, day: date) -> list[DayCount]:
    """What happened from that day on (UTC), newest day first."""
    first = (datetime(day.year, day.month, day.day, tzinfo=UTC) - EPOCH).days
    rows = db.execute(
        'SELECT day, "trigger", what, n FROM wakeup_stats WHERE day >= ? ORDER BY day DESC, "trigger", what', (first,)
    )
    return [
        DayCount((EPOCH + timedelta(days=row["day"])).date(), row["trigger"], row["what"], row["n"]) for row in rows
    ]
