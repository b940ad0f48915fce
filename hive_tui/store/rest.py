"""Whether all that was begun has ended, as far as the database knows."""

import sqlite3
from datetime import datetime

from hive_tui.store.values import to_us

# The second condition on effects lets their partial index be used.
OPEN = """
    SELECT EXISTS (SELECT 1 FROM operations)
        OR EXISTS (SELECT 1 FROM wakeup_requests WHERE status = 'processing')
        OR EXISTS (SELECT 1 FROM effects WHERE state = 'intent' AND state IN ('intent', 'unknown'))
        OR EXISTS (SELECT 1 FROM alerts WHERE state = 'pending' AND due_at <= ?)
"""


def is_anything_open(db: sqlite3.Connection, *, until: datetime) -> bool:
    """Whether somebody has begun what has not ended, or an alert is to go out until then."""
    return bool(db.execute(OPEN, (to_us(until),)).fetchone()[0])
