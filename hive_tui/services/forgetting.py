"""Forgets what happened long ago: events, and deliveries from outside."""

from datetime import timedelta

from hive_tui.domain.ports import Clock
from hive_tui.store import deliveries, journal
from hive_tui.store.database import Database

DELIVERIES_KEPT = timedelta(days=30)
"""Nothing is delivered again after so long."""
BATCH = 500
MOST_BATCHES = 20
"""A run: the rest waits for the next one, so that nobody else waits for the database."""


class Forgetting:
    """A chore of the heartbeat.

    Args:
        events_kept: Events are kept for so long; None for ever.
    """

    def __init__(self, database: Database, clock: Clock, *, events_kept: timedelta | None) -> None:
        self._database = database
        self._clock = clock
        self._events_kept = events_kept

    def forget_old(self) -> int:
        """Remove what is older, in small transactions; how many rows."""
        now, gone = self._clock.now(), 0
        for _ in range(MOST_BATCHES):
            batch = 0
            if self._events_kept is not None:
                batch = self._database.write(journal.purge_events, before=now - self._events_kept, limit=BATCH)
            batch += self._database.write(deliveries.purge, before=now - DELIVERIES_KEPT, limit=BATCH)
            gone += batch
            if not batch:
                break
        return gone
