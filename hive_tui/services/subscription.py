"""The event log as one stream: every reader has a place in it, and hears that there is more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hive_tui.domain.changes import Changes, Heard
from hive_tui.domain.events import Event
from hive_tui.services.hub import Hub
from hive_tui.store import journal
from hive_tui.store.database import Database
from hive_tui.store.journal import EVERYTHING, LoggedEvent, Wanted

if TYPE_CHECKING:
    from typing import Self

AT_ONCE = 200
LOOK_EVERY_S = 0.5
"""Between two looks where writes of other processes cannot be noticed otherwise."""
LOOK_AT_LEAST_EVERY_S = 5.0
"""Between two looks although nothing was noticed, for a commit that a slow disk has held up."""
SETTLING_S = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0)
"""Pauses between looks after a write was noticed, until its commit can be read."""


class EventLog:
    """Hands out subscriptions: to screens, to `events --follow`, and to whatever streams events on.

    Args:
        changes: Makes what notices a write, one for each subscription that waits.
    """

    def __init__(self, database: Database, hub: Hub, changes: Callable[[], Changes]) -> None:
        self._database = database
        self._hub = hub
        self._changes = changes

    def subscribe(self, after: int | None = None, wanted: Wanted = EVERYTHING) -> Subscription:
        """Read the log from a place on.

        Args:
            after: The number of the last event that the reader has; None for only what comes from now on. One that is
                too high, as after the log was set back, counts as None.
            wanted: Which events.

        Raises:
            StoreError: The log cannot be read.
        """
        newest = self._database.read(journal.last_seq)
        start = newest if after is None else min(after, newest)
        return Subscription(self._database, self._hub, self._changes, start, wanted)


class Subscription:
    """A place in the log. Nothing after it is missed, nothing comes twice; for one thread, but for `stop`.

    What was written by this process, or by any other, ends a `wait`. Only waiting takes a watch; a
    reader that is told by others when to look needs none.
    """

    def __init__(
        self, database: Database, hub: Hub, changes: Callable[[], Changes], after: int, wanted: Wanted
    ) -> None:
        self.cursor = after
        """The number up to which everything was read: where another subscription would go on."""
        self._database = database
        self._hub = hub
        self._make_changes = changes
        self._wanted = wanted
        self._changes: Changes | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, limit: int = AT_ONCE) -> list[LoggedEvent]:
        """The next events, at most `limit`; empty if there are none yet.

        Raises:
            StoreError: The log cannot be read; the next time gives all of it.
        """
        found, self.cursor = self._database.read(_after, self.cursor, self._wanted, limit)
        return found

    def skip(self) -> None:
        """Go to the end: for a reader that has fallen behind and need not have everything."""
        self.cursor = self._database.read(journal.last_seq)

    def wait(self, timeout_s: float = LOOK_AT_LEAST_EVERY_S, *, reader_of: int = -1) -> bool:
        """Wait until there may be more, or the time is over; False once stopped, or once nobody reads that pipe.

        Raises:
            StoreError: The log cannot be read.
        """
        changes = self._watch()
        longest_s = timeout_s if changes.is_watching else min(timeout_s, LOOK_EVERY_S)
        before = self._database.change_counter()
        # After that, so that what is committed in between is seen either here or by the counter.
        if self._is_stopped or self._has_more:
            return not self._is_stopped
        heard = changes.wait(longest_s, reader_of=reader_of)
        for pause_s in SETTLING_S if heard is Heard.WRITE else ():
            if self._database.change_counter() != before:
                break
            heard = changes.wait(pause_s, for_writes=False, reader_of=reader_of)
            if heard is not Heard.NOTHING:
                break
        return heard is not Heard.READER_GONE and not self._is_stopped

    @property
    def _has_more(self) -> bool:
        return self._database.read(journal.last_seq) > self.cursor

    def _watch(self) -> Changes:
        if self._changes is None:
            self._changes = self._make_changes()
            self._unsubscribe = self._hub.subscribe(self._heard)
        return self._changes

    def follow(self, *, reader_of: int = -1) -> Iterator[LoggedEvent]:
        """All events as they come, until it is stopped or nobody reads that pipe any more."""
        while True:
            if found := self.read():
                yield from found
            elif not self.wait(reader_of=reader_of):
                return

    def stop(self) -> None:
        """End a `wait`, from any thread."""
        self._is_stopped = True
        if self._changes is not None:
            self._changes.ring()

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        self._unsubscribe()
        changes, self._changes = self._changes, None
        if changes is not None:
            changes.close()

    def _heard(self, _: Event) -> None:
        if self._changes is not None:
            self._changes.ring()


def _after(db: sqlite3.Connection, seq: int, wanted: Wanted, limit: int) -> tuple[list[LoggedEvent], int]:
    return journal.events_after(db, seq, wanted=wanted, limit=limit)
