"""Takes what comes from outside into the queue, once: however often it is delivered, and whenever we are killed."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, ActorKind, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.signals import Asked
from hive_tui.domain.wakeups import MESSAGE, NewWakeup, Trigger
from hive_tui.services.hub import Hub
from hive_tui.services.messages import checked
from hive_tui.services.queue import enqueue_within
from hive_tui.store import agents as agent_store
from hive_tui.store import deliveries, journal
from hive_tui.store.database import Database

SHOWN_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request from outside.

    Two with the same source and key are one that was delivered twice, also long after the first one was done.
    """

    source: str
    """Of what kind, as `redis.key`; shown to people."""
    key: str
    agent_name: str
    trigger: Trigger
    asked: Asked = field(default_factory=Asked)
    context: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    """Requests that share one are one for as long as the first is unfinished."""
    other_keys: tuple[str, ...] = ()
    """It counts as delivered twice also if only one of these was seen before."""


class Intake:
    """Notes each delivery in the transaction that puts its wake into the queue.

    Args:
        ring: Has the queue looked at.
        max_attempts: Of each wake.
    """

    def __init__(
        self, database: Database, ring: Callable[[], None], clock: Clock, hub: Hub, *, max_attempts: int = 5
    ) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._hub = hub
        self._max_attempts = max_attempts

    def take(self, delivery: Delivery) -> bool:
        """Ask for the wake; False if that was done before. Once it returns, the delivery may be forgotten there.

        What can never become a wake is refused: that is told by an event, and counts as dealt with.

        Raises:
            StoreError: It could not be stored; deliver it again later.
        """
        try:
            event = self._database.write(self._enqueue, delivery)
        except HiveError as error:
            if not isinstance(error, _NoWake):
                raise
            return self.refuse(delivery.source, delivery.key, error.what)
        self._hub.publish(event)
        if event is not None:
            self._ring()
        return event is not None

    def refuse(self, source: str, key: str, reason: str, content: object = b"") -> bool:
        """Set it aside, with an event that tells why; False if that was done before."""
        said = f" It was {content!r}"[:SHOWN_LETTERS] if content else ""
        text = f"What came by {source} was set aside. {reason}{said}"
        event = Event(EventKind.SOURCE_REFUSED, text, None, _actor(source), Severity.WARNING, {"key": key})
        told = self._database.write(self._note_refused, source, key, event)
        self._hub.publish(told)
        return told is not None

    def _enqueue(self, db: sqlite3.Connection, delivery: Delivery) -> Event | None:
        keys = (delivery.key, *delivery.other_keys)
        if any(deliveries.is_known(db, delivery.source, key) for key in keys):
            return None
        now = self._clock.now()
        new = self._wakeup(db, delivery, now)
        enqueued, event = enqueue_within(db, new, str(uuid4()), _actor(delivery.source), now=now)
        for key in keys:
            deliveries.note(db, delivery.source, key, enqueued.wakeup.id, now=now)
        return event

    def _wakeup(self, db: sqlite3.Connection, delivery: Delivery, now: datetime) -> NewWakeup:
        asked = delivery.asked
        try:
            agent = agent_store.find(db, delivery.agent_name)
            said = {MESSAGE: checked(asked.message)} if asked.message else {}
        except HiveError as error:
            raise _NoWake(error.what) from error
        return NewWakeup(
            agent.id,
            delivery.trigger,
            now,
            priority=asked.priority,
            idempotency_key=f"{delivery.source}:{agent.id}:{asked.key}" if asked.key else delivery.idempotency_key,
            max_attempts=self._max_attempts,
            context={**delivery.context, **said},
        )

    def _note_refused(self, db: sqlite3.Connection, source: str, key: str, event: Event) -> Event | None:
        if deliveries.is_known(db, source, key):
            return None
        now = self._clock.now()
        deliveries.note(db, source, key, None, now=now)
        journal.log(db, event, now=now)
        return event


class _NoWake(HiveError):
    """It can never become a wake."""


def _actor(source: str) -> Actor:
    return Actor(ActorKind.SOURCE, source)
