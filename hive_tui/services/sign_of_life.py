"""What a heartbeat leaves in the database now and then, so that other processes know that it lives."""

import os
import sqlite3

from hive_tui.domain.ports import Clock
from hive_tui.store import settings
from hive_tui.store.database import Database

EVERY_S = 15.0
AT_REST_EVERY_S = 110.0
"""While nothing runs; a heartbeat that gave none for three minutes counts as hung."""


class SignOfLife:
    """Of one heartbeat.

    Args:
        name: Of the heartbeat.
        longest_s: More seconds never lie between two signs.
    """

    def __init__(self, database: Database, clock: Clock, name: str, *, longest_s: float) -> None:
        self._database = database
        self._clock = clock
        self._name = name
        self._longest_s = longest_s
        self._gave_at = float("-inf")
        self._has_said_rest = False
        self.answered_at: str | None = None
        """When tmux last answered, as ISO 8601."""

    def is_due(self, *, is_at_rest: bool) -> bool:
        """Whether it is time; the first one at rest says that the others come seldom from then on."""
        every_s = AT_REST_EVERY_S if is_at_rest and self._has_said_rest else EVERY_S
        return self._clock.monotonic() - self._gave_at >= min(every_s, self._longest_s)

    def give(self, *, is_at_rest: bool) -> int:
        """Leave one; how many rows that has changed.

        Raises:
            StoreError: It cannot be written.
        """
        sign = {"pid": os.getpid(), "name": self._name, settings.ANSWERED_AT: self.answered_at}
        if is_at_rest:
            sign[settings.RESTS] = True

        def put(db: sqlite3.Connection) -> int:
            before = db.total_changes
            settings.put(db, settings.HEARTBEAT, sign, now=self._clock.now())
            return db.total_changes - before

        changed = self._database.write(put)
        self._gave_at, self._has_said_rest = self._clock.monotonic(), is_at_rest
        return changed
