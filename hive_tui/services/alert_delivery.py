"""Sends what waits in the outbox by one channel, and tries again later what did not go out."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from hive_tui.domain.agents import NEEDS_PERSON, Lifecycle
from hive_tui.domain.alert_words import NEEDS_YOU
from hive_tui.domain.alerts import Message, Refused, next_try, together
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.services.background import Background
from hive_tui.store import agents as agent_store
from hive_tui.store import alerts as outbox
from hive_tui.store import journal
from hive_tui.store.alerts import Alert
from hive_tui.store.database import Database

MANY = 3
"""More than that at once go out as one."""
TOO_OLD = timedelta(days=1)
SETTLED = timedelta(seconds=30)
"""An agent that needs its person for so much less long than its alert is old has asked again since."""


class Channel(Protocol):
    """A way to a person beside the desktop."""

    name: str

    def send(self, message: Message) -> str:
        """Send it; how it was taken. Blocks for some seconds at most.

        Raises:
            Refused: It would not be taken at another time either.
            HiveError: It was not taken now.
        """
        ...


class Courier:
    """One channel; at most one piece of work at a time, so that one that hangs holds up nothing else.

    Args:
        failed: Told of what was given up.
    """

    def __init__(self, channel: Channel, database: Database, clock: Clock, failed: Callable[[Event], None]) -> None:
        self._channel = channel
        self._database = database
        self._clock = clock
        self._failed = failed
        self._work = Background(f"alerts by {channel.name}")
        self._sending = threading.Lock()

    def start(self) -> None:
        """Send what is due, in a thread; nothing while that is under way, or where nothing is due."""
        if not self._work.is_busy and self._database.read(outbox.due, self._channel.name, now=self._clock.now()):
            self._work.start(self.send_due)

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within that time."""
        return self._work.wait(timeout_s)

    def test(self, message: Message) -> tuple[bool, str]:
        """Send that at once; whether it was taken, and how, or why not, as a sentence."""
        try:
            return True, f"{self._channel.send(message)}."
        except HiveError as error:
            return False, f"{error.what} {error.hint}".strip()

    def send_due(self) -> int:
        """Send what is due; how many messages went out."""
        if not self._sending.acquire(blocking=False):
            return 0
        try:
            return self._send_due()
        finally:
            self._sending.release()

    def _send_due(self) -> int:
        now = self._clock.now()
        due = self._database.read(outbox.due, self._channel.name, now=now)
        over = [one for one in due if now - one.message.at > TOO_OLD or self._database.read(is_over, one)]
        if over:
            self._database.write(outbox.drop, over, now=now)
        left = [one for one in due if one not in over]
        groups = [left] if len(left) > MANY else [[one] for one in left]
        sent = 0
        for number, group in enumerate(groups):
            if not self._send(group):
                # Its server is out of reach: the others need not wait for the same time limit again.
                self._put_off([one for later in groups[number + 1 :] for one in later], "the one before did not go out")
                break
            sent += 1
        return sent

    def _send(self, group: list[Alert]) -> bool:
        """Whether the channel is within reach."""
        message = group[0].message if len(group) == 1 else together([one.message for one in group])
        ids = [one.message.id for one in group]
        try:
            note = self._channel.send(message)
        except Refused as error:
            self._give_up(ids, error)
            return True
        except HiveError as error:
            if any(next_try(one.attempts + 1, self._clock.now()) is None for one in group):
                self._give_up(ids, error)
            else:
                self._put_off(group, error.what)
            return False
        self._database.write(outbox.end, ids, "sent", note, now=self._clock.now())
        return True

    def _put_off(self, rows: list[Alert], why: str) -> None:
        now = self._clock.now()
        for one in rows:
            until = next_try(one.attempts + 1, now)
            if until is not None:
                self._database.write(outbox.put_off, [one.message.id], until, why)

    def _give_up(self, ids: list[str], error: HiveError) -> None:
        now = self._clock.now()
        self._database.write(outbox.end, ids, "failed", error.what, now=now)
        text = f"An alert was not delivered, and is not tried again: {error.what} {error.hint}".strip()
        event = Event(EventKind.ALERT_FAILED, text, severity=Severity.WARNING)
        with suppress(HiveError):
            self._database.write(journal.log, event, now=now)
        self._failed(event)


def is_over(db: sqlite3.Connection, alert: Alert) -> bool:
    """Whether an agent that called, whose alert had to wait, does not wait for its person any more."""
    if alert.message.kind == EventKind.AGENT_DONE:
        return False  # it waits for nothing; only that it has finished is told
    if alert.message.class_ != NEEDS_YOU or alert.agent_id is None or alert.due_at - alert.message.at < SETTLED:
        return False
    return not still_waits(db, alert)


def still_waits(db: sqlite3.Connection, alert: Alert) -> bool:
    """Whether an agent waits for its person since that alert."""
    try:
        agent = agent_store.get(db, alert.agent_id or "")
    except NotFound:
        return False
    if alert.message.kind == EventKind.WAKEUP_HELD_BACK:
        return agent.lifecycle is Lifecycle.ASLEEP
    return agent.activity in NEEDS_PERSON and agent.since_at <= alert.message.at + SETTLED
