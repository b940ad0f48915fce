"""Which copy in the second place is read again, so that one that has gone bad there is found before it is needed."""

import sqlite3
from datetime import datetime, timedelta

from hive_tui.domain.offsite import OffsiteCopy, RereadPolicy
from hive_tui.domain.ports import Clock
from hive_tui.store import offsite, settings
from hive_tui.store.database import Database

SPENT = "offsite.reread."
"""Settings key, before the destination: the UTC day, and the bytes that were read on it."""


class Rereading:
    """Each copy once in a while, the one that was read longest ago first, and only so many bytes a day."""

    def __init__(self, database: Database, destination: str, policy: RereadPolicy, clock: Clock) -> None:
        self._database = database
        self._destination = destination
        self._policy = policy
        self._clock = clock

    def due(self) -> OffsiteCopy | None:
        """The copy whose turn it is; one that a person has asked for, or that could not be read, whatever is left."""
        now = self._clock.now()
        before = now - timedelta(days=self._policy.every_days) if self._policy.every_days else None
        copy = self._database.read(offsite.due_again, self._destination, before=before, now=now)
        if copy is None or copy.next_try_at is not None:
            return copy
        # The first of a day may be larger than what a day allows: else it would never be read.
        spent = self._database.read(_spent, self._key, now)
        return copy if not spent or spent + (copy.size_bytes or 0) <= self._policy.bytes_a_day else None

    def spend(self, copy: OffsiteCopy) -> None:
        """Count it before it is read: what fails costs as much."""
        self._database.write(_spend, self._key, copy.size_bytes or 0, now=self._clock.now())

    @property
    def _key(self) -> str:
        return SPENT + self._destination


def _spent(db: sqlite3.Connection, key: str, now: datetime) -> int:
    saved = settings.get(db, key, {})
    return int(saved.get("bytes", 0)) if saved.get("day") == now.date().isoformat() else 0


def _spend(db: sqlite3.Connection, key: str, size_bytes: int, *, now: datetime) -> None:
    spent = _spent(db, key, now) + size_bytes
    settings.put(db, key, {"day": now.date().isoformat(), "bytes": spent}, now=now)
