"""Asks for wakeups, and changes what was asked for."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import NewWakeup, Wakeup
from hive_tui.services.hub import Hub
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, wakeups
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
