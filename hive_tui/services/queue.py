"""Asks for wakeups, and changes what was asked for."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import NewWakeup, Wakeup, WakeupStatus
from hive_tui.services.hub import Hub
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, keys, purge, reset_wakes, wakeups
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

    def ask_again(self, cancelled: Wakeup, actor: Actor) -> Enqueued:
        """Ask anew for what was cancelled: with all triggers and keys of the requests that had become one in it."""
        enqueued, event = self._database.write(_ask_again, cancelled, str(uuid4()), actor, now=self._clock.now())
        self._hub.publish(event)
        self._ring()
        return enqueued

    def cancel(self, wakeup: Wakeup, actor: Actor) -> None:
        """Cancel a pending wakeup for good.

        Raises:
            HiveError: It runs, or has ended.
        """
        now = self._clock.now()
        if not self._changes(wakeup, lambda db: wakeups.cancel(db, wakeup.id, now=now), "was cancelled", actor):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status} and cannot be cancelled.",
                hint="Only one that is pending can; `hive-tui queue` lists them.",
            )

    def retry(self, wakeup: Wakeup, actor: Actor) -> None:
        """Make a pending or failed wakeup due now.

        Raises:
            HiveError: It runs, was cancelled, or is done.
        """
        now = self._clock.now()
        if not self._changes(wakeup, lambda db: wakeups.retry_now(db, wakeup.id, now=now), "is tried again now", actor):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status} and cannot be retried.",
                hint="Ask for a new one with `hive-tui wake`.",
            )

    def postpone(self, wakeup: Wakeup, until: datetime, actor: Actor) -> None:
        """Move a pending wakeup to another time.

        Raises:
            HiveError: It runs, or has ended.
        """
        said = f"was put off until {until:%Y-%m-%d %H:%M:%S} UTC"
        if not self._changes(wakeup, lambda db: wakeups.postpone(db, wakeup.id, until), said, actor):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status} and cannot be postponed.",
                hint="Only one that is pending can; `hive-tui queue` lists them.",
            )

    def follow_reset(self, wakeup: Wakeup, to: reset_wakes.Move, actor: Actor) -> bool:
        """Move a wake that waits for the end of a usage limit; False if it has begun or was changed meanwhile."""
        now = self._clock.now()
        said = f"was moved to {to.at:%Y-%m-%d %H:%M:%S} UTC: {to.reason}"
        return self._changes(wakeup, lambda db: reset_wakes.move(db, wakeup, to, now=now), said, actor)

    def set_priority(self, wakeup: Wakeup, priority: int, actor: Actor) -> None:
        """Give a pending wakeup another priority, 0 to 100.

        Raises:
            HiveError: It runs, or has ended, or that is no priority.
        """
        if not 0 <= priority <= 100:
            raise HiveError(f"{priority} is no priority.", hint="It is a number from 0 to 100; higher goes first.")
        said = f"has priority {priority} now"
        if not self._changes(wakeup, lambda db: wakeups.set_priority(db, wakeup.id, priority), said, actor):
            raise HiveError(
                f"The wakeup {wakeup.id[:8]} is {wakeup.status}, so its priority cannot be changed.",
                hint="Only that of a pending one can; `hive-tui queue` lists them.",
            )

    def _changes(self, wakeup: Wakeup, change: Callable[[sqlite3.Connection], bool], said: str, actor: Actor) -> bool:
        """Whether the wakeup could be changed; that it was is written down by the same transaction, and told."""
        event = self._database.write(_change, wakeup, change, said, actor, now=self._clock.now())
        if event is not None:
            self._hub.publish(event)
            self._ring()
        return event is not None

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
    name = agent_store.name_of(db, new.agent_id)
    due = "" if enqueued.wakeup.scheduled_for <= now else f", due {enqueued.wakeup.scheduled_for:%Y-%m-%d %H:%M:%S} UTC"
    text = f"A {new.action} of {name} was asked for ({new.trigger}){due}"
    if enqueued.note:
        text += f"; {enqueued.note}"
    event = Event(EventKind.WAKEUP_SCHEDULED, text, new.agent_id, actor, payload={"wakeup_id": enqueued.wakeup.id})
    journal.log(db, event, now=now)
    return enqueued, event


def _ask_again(
    db: sqlite3.Connection, shown: Wakeup, wakeup_id: str, actor: Actor, *, now: datetime
) -> tuple[Enqueued, Event]:
    cancelled = wakeups.get(db, shown.id)  # more may have become one with it after it was shown
    held = keys.let_go(db, cancelled.id)  # else a key with a window would answer that it was cancelled
    key = cancelled.idempotency_key
    again = NewWakeup(
        cancelled.agent_id,
        cancelled.trigger,
        cancelled.scheduled_for,
        action=cancelled.action,
        priority=cancelled.priority,
        idempotency_key=key if key in held else None,
        max_attempts=max(1, cancelled.max_attempts - cancelled.attempts),
        context=cancelled.context,
        also=cancelled.also,
    )
    asked = enqueue_within(db, again, wakeup_id, actor, now=now)
    keys.hand_over(db, held, asked[0].wakeup.id)
    return asked


def _change(
    db: sqlite3.Connection,
    wakeup: Wakeup,
    change: Callable[[sqlite3.Connection], bool],
    said: str,
    actor: Actor,
    *,
    now: datetime,
) -> Event | None:
    if not change(db):
        return None
    kind = EventKind.WAKEUP_SCHEDULED
    if wakeups.get(db, wakeup.id).status is WakeupStatus.CANCELLED:
        kind = EventKind.WAKEUP_CANCELLED
    text = f"The {wakeup.action} of {agent_store.name_of(db, wakeup.agent_id)} {said}"
    event = Event(kind, text, wakeup.agent_id, actor, payload={"wakeup_id": wakeup.id})
    journal.log(db, event, now=now)
    return event
