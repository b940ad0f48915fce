"""Asks for wakeups, and changes what was asked for."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import NewWakeup, Wakeup
from hive_tui.services.hub import Hub
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, purge, wakeups
from hive_tui.store.database import Database
from hive_tui.store.wakeups import Enqueued


class WakeupQueue:
    """What a request acknowledges survives a power cut."""

    def __init__(self, database: Database, ring: Callable[[], None], clock: Clock, hub: Hub) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._hub = hub

    def enqueue(self, new: NewWakeup, actor: Actor) -> Enqueued:
        """Ask for a wakeup; the row may be an older one, see `Enqueued.is_new`."""
        enqueued, event = self._database.write(enqueue_within, new, str(uuid4()), actor, now=self._clock.now())
        self._hub.publish(event)
        self._ring()
        return enqueued

    def cancel(self, wakeup: Wakeup, actor: Actor) -> None:
        """Cancel a pending wakeup for good.

        Raises:
            HiveError: It runs, or has ended.
        """
        event = Event(EventKind.WAKEUP_CANCELLED, "A wakeup was cancelled", wakeup.agent_id, actor)
        if not self._database.write(_cancel, wakeup.id, event, now=self._clock.now()):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status} and cannot be cancelled.",
                hint="Only one that is pending can; `hive-tui queue` lists them.",
            )
        self._hub.publish(event)
        self._ring()

    def retry(self, wakeup: Wakeup, actor: Actor) -> None:
        """Make a pending or failed wakeup due now.

        Raises:
            HiveError: It runs, was cancelled, or is done.
        """
        event = Event(EventKind.WAKEUP_SCHEDULED, "A wakeup is tried again now", wakeup.agent_id, actor)
        if not self._database.write(_retry, wakeup.id, event, now=self._clock.now()):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status} and cannot be retried.",
                hint="Ask for a new one with `hive-tui wake`.",
            )
        self._hub.publish(event)
        self._ring()

    def postpone(self, wakeup: Wakeup, until: datetime) -> None:
        """Move a pending wakeup to another time.

        Raises:
            HiveError: It runs, or has ended.
        """
        if not self._database.write(wakeups.postpone, wakeup.id, until):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status} and cannot be postponed.",
                hint="Only one that is pending can; `hive-tui queue` lists them.",
            )
        self._ring()

    def set_priority(self, wakeup: Wakeup, priority: int) -> None:
        """Give a pending wakeup another priority, 0 to 100.

        Raises:
            HiveError: It runs, or has ended, or that is no priority.
        """
        if not 0 <= priority <= 100:
            raise HiveError(f"{priority} is no priority.", hint="It is a number from 0 to 100; higher goes first.")
        if not self._database.write(wakeups.set_priority, wakeup.id, priority):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status}, so its priority cannot be changed.",
                hint="Only that of a pending one can; `hive-tui queue` lists them.",
            )
        self._ring()

    def old(self, older_than: timedelta) -> int:
        """How many wakeups ended longer ago than that, and could be removed."""
        now = self._clock.now()
        return self._database.read(purge.count_old, now - older_than, now=now)

    def purge(self, older_than: timedelta, *, most_batches: int | None = None) -> int:
        """Remove wakeups that ended longer ago than that; how many it were.

        Each batch is a transaction of its own, between which others write.
        """
        now, removed, batches = self._clock.now(), 0, 0
        while most_batches is None or batches < most_batches:
            batch = self._database.write(purge.remove_batch, now - older_than, now=now, limit=purge.BATCH)
            removed, batches = removed + batch, batches + 1
            if batch < purge.BATCH:
                break
        return removed


def enqueue_within(
    db: sqlite3.Connection, new: NewWakeup, wakeup_id: str, actor: Actor, *, now: datetime
) -> tuple[Enqueued, Event]:
    """Ask for a wakeup in the caller's transaction; the caller publishes the event and rings after it has committed."""
    enqueued = wakeups.enqueue(db, new, wakeup_id, now=now)
    name = agent_store.get(db, new.agent_id).name
    due = "" if enqueued.wakeup.scheduled_for <= now else f", due {enqueued.wakeup.scheduled_for:%Y-%m-%d %H:%M:%S} UTC"
    text = f"A {new.action} of {name} was asked for ({new.trigger}){due}"
    if enqueued.note:
        text += f"; {enqueued.note}"
    event = Event(EventKind.WAKEUP_SCHEDULED, text, new.agent_id, actor, payload={"wakeup_id": enqueued.wakeup.id})
    journal.log(db, event, now=now)
    return enqueued, event


def _cancel(db: sqlite3.Connection, wakeup_id: str, event: Event, *, now: datetime) -> bool:
    done = wakeups.cancel(db, wakeup_id, now=now)
    if done:
        journal.log(db, event, now=now)
    return done


def _retry(db: sqlite3.Connection, wakeup_id: str, event: Event, *, now: datetime) -> bool:
    done = wakeups.retry_now(db, wakeup_id, now=now)
    if done:
        journal.log(db, event, now=now)
    return done
