"""Brings failures and calls to a person: of this process, and of every other that writes into the same log."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Protocol
from uuid import uuid4

from msgspec import structs

from hive_tui.adapters.zone import local_zone
from hive_tui.domain.agents import Agent
from hive_tui.domain.alert_words import DESKTOP, NEEDS_YOU
from hive_tui.domain.alerts import AlertPolicy, Message, class_of, together, words_for
from hive_tui.domain.calls import CALLS_FOR, is_another_question
from hive_tui.domain.durations import time_to_come
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.ports import Clock, Notifier
from hive_tui.services.alert_delivery import Channel, Courier, is_over
from hive_tui.services.alert_escalation import escalate
from hive_tui.store import agents as agent_store
from hive_tui.store import alerts as outbox
from hive_tui.store import journal, settings
from hive_tui.store.alerts import Alert
from hive_tui.store.database import Database
from hive_tui.store.journal import LoggedEvent

TOLD = "alerts.told_seq"
TOO_OLD = timedelta(minutes=10)
"""Failures that happened so long before any heartbeat ran are left to the screen."""
TALKS = frozenset({EventKind.AGENT_NEEDS_YOU, EventKind.AGENT_DONE})
"""Of these it helps to know what the agent said last."""
MANY = 3
"""So many crashes at once are told together, and more alerts than that."""
DESKTOP_ATTEMPTS = 3
DESKTOP_WAIT = timedelta(seconds=65)
"""Longer than the notifier leaves a way alone that has failed."""
WAIT_S = 20.0
"""So long at most is waited for an event that nobody noticed being written: every failure is told within 30 s, and the
rounds of a heartbeat at rest lie farther apart."""
ESCALATE_EVERY_S = 15.0


class Unheard:
    """The notifier of a person who wants none."""

    def notify(self, title: str, body: str) -> str:
        """Says nothing."""
        return "switched off in the settings"

    def probe(self) -> str:
        """How messages would be delivered."""
        return "switched off in the settings"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a test."""

    said: str
    """How each channel took it, or why not, as sentences."""
    is_delivered: bool
    """Whether any of them took it."""


class Alerts:
    """Run by the heartbeat alone, so that each failure is told once however many dashboards are open.

    What is to be told is entered in the transaction that moves on in the log, and then sent: a crash in between loses
    nothing, and sends again at most what was under way, with the same id.

    Args:
        calls: Whether agents that wait for a person are told of, too.
        done: And those that have finished a turn.
        last_words: The last sentence of an agent, for the desktop alone; None to say nothing of what it said.
        policy: Which classes go where, and when.
        channels: Beside the desktop.
        local: The zone of the machine.
        failed: Told of an alert that was given up.
    """

    def __init__(
        self,
        database: Database,
        notifier: Notifier,
        clock: Clock,
        *,
        calls: bool = True,
        done: bool = False,
        last_words: Callable[[Agent], str] | None = None,
        policy: AlertPolicy | None = None,
        channels: Sequence[Channel] = (),
        local: Callable[[], tzinfo] = local_zone,
        failed: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._calls = calls
        self._done = done
        self._last_words = last_words
        self._database = database
        self._notifier = notifier
        self._clock = clock
        self._policy = policy or AlertPolicy()
        self._local = local
        self._couriers = [Courier(channel, database, clock, failed) for channel in channels]
        self._telling = threading.Lock()
        self._escalated_at = float("-inf")
        self.delivery = "no failure yet"
        """How the last notification was delivered, or why it was not."""

    def tell(self) -> int:
        """Tell what was logged since the last time; how many notifications were shown on the desktop.

        From any thread; of two at once, one does the work. What goes by HTTP goes on in threads of its own.
        """
        if not self._telling.acquire(blocking=False):
            return 0
        try:
            self._take_in()
            self._escalate()
            if self._database.read(outbox.next_due_at) is None:
                return 0
            for courier in self._couriers:
                courier.start()
            return self._show_due()
        finally:
            self._telling.release()

    def finish(self, timeout_s: float) -> None:
        """Wait for what goes by HTTP; for a process that ends. What is not done by then waits for the next one."""
        for courier in self._couriers:
            courier.wait(timeout_s)

    def test(self) -> Trial:
        """Send a message that says it is a test by every channel."""
        told = [self._test_desktop()]
        text = "Alerts of your agents look like this."
        for courier in self._couriers:
            message = Message(str(uuid4()), "hive: test", text, "warning", "test", "", self._clock.now())
            told.append(courier.test(message))
        return Trial(" ".join(said for _, said in told), any(took for took, _ in told))

    def _test_desktop(self) -> tuple[bool, str]:
        if isinstance(self._notifier, Unheard):
            return False, "Notifications on the desktop are switched off in the settings."
        try:
            self.delivery = self._notifier.notify("hive: test", "Failures and questions of your agents look like this.")
        except HiveError as error:
            return False, f"No notification was shown: {error.what} {error.hint}".strip()
        return True, f"A notification was sent: {self.delivery}."

    def _take_in(self) -> None:
        if self._database.read(journal.last_seq) > int(self._database.read(settings.get, TOLD, 0)):
            self._database.write(self._enter, now=self._clock.now())

    def _enter(self, db: sqlite3.Connection, *, now: datetime) -> None:
        last = int(settings.get(db, TOLD, 0))
        logged, reached = journal.events_after(db, last)
        loud = [one for one in logged if self._class(one.event) is not None and now - one.at <= TOO_OLD]
        loud = [one for one in loud if not _is_of_past_limit(db, one)]
        for one in _together(loud):
            class_ = self._class(one.event)
            if class_ is not None:
                self._enter_one(db, one, class_, now)
        settings.put(db, TOLD, reached, now=now)
        outbox.purge(db, now=now)

    def _enter_one(self, db: sqlite3.Connection, one: LoggedEvent, class_: str, now: datetime) -> None:
        name = agent_store.names(db).get(one.event.agent_id or "", "")
        due_at = self._policy.due_at(class_, now, self._local())
        ends_at = _end_of_limit(db, one, now)
        until = time_to_come(ends_at.astimezone(self._local()), now) if ends_at is not None else ""
        for channel, classes in self._policy.wanted.items():
            if class_ not in classes:
                continue
            title, body = words_for(one.event, name, channel, details=self._policy.details, until=until)
            message = Message(str(uuid4()), title, body, class_, str(one.event.kind), name, one.at)
            told = outbox.told(db, message, channel, now - self._policy.repeat_of(class_))
            if all(is_another_question(_without_name(text), _without_name(one.event.text)) for text in told):
                outbox.add(db, message, seq=one.seq, channel=channel, agent_id=one.event.agent_id, due_at=due_at)

    def _class(self, event: Event) -> str | None:
        class_ = class_of(event)
        is_wanted = self._done if event.kind is EventKind.AGENT_DONE else self._calls
        return None if class_ == NEEDS_YOU and not is_wanted else class_

    def _escalate(self) -> None:
        now = self._clock.monotonic()
        if self._policy.escalate_after is None or now - self._escalated_at < ESCALATE_EVERY_S:
            return
        self._escalated_at = now
        at = self._clock.now()
        # In quiet hours nobody can be expected to react; what is let through goes on.
        self._database.write(escalate, self._policy, self._local(), now=at)

    def _show_due(self) -> int:
        now = self._clock.now()
        due = self._database.read(outbox.due, DESKTOP, now=now)
        over = [one for one in due if self._database.read(is_over, one) or _is_stale(one, now)]
        if over:
            self._database.write(outbox.drop, over, now=now)
        left = [one for one in due if one not in over]
        groups = [left] if len(left) > MANY else [[one] for one in left]
        return sum(self._show(group) for group in groups)

    def _show(self, group: list[Alert]) -> bool:
        message = self._quoting(group[0]) if len(group) == 1 else together([one.message for one in group])
        ids, now = [one.message.id for one in group], self._clock.now()
        try:
            self.delivery = self._notifier.notify(message.title, message.body)
        except HiveError as error:
            self.delivery = f"not delivered: {error.what}"
            tried = max(one.attempts for one in group) + 1
            if tried >= DESKTOP_ATTEMPTS:
                self._database.write(outbox.end, ids, "failed", error.what, now=now)
            else:
                self._database.write(outbox.put_off, ids, now + DESKTOP_WAIT, error.what)
            return False
        self._database.write(outbox.end, ids, "sent", self.delivery, now=self._clock.now())
        return True

    def _quoting(self, alert: Alert) -> Message:
        """With what the agent said last, where it calls."""
        message = alert.message
        if self._last_words is None or message.kind not in TALKS or alert.agent_id is None:
            return message
        try:
            said = self._last_words(self._database.read(agent_store.get, alert.agent_id))
        except NotFound:
            return message
        return replace(message, body=f"{message.body}\n“{said}”") if said and said not in message.body else message


def _without_name(text: str) -> str:
    return text.partition(CALLS_FOR)[2]


def _is_of_past_limit(db: sqlite3.Connection, one: LoggedEvent) -> bool:
    """Whether an agent that was woken at the reset of its limit still shows the old banner."""
    if one.event.payload.get("activity") != "limited" or one.event.agent_id is None:
        return False
    from hive_tui.services.budgets import shows_past_limit

    try:
        agent = agent_store.get(db, one.event.agent_id)
    except NotFound:
        return False
    return shows_past_limit(db, agent, one.event.text, at=one.at)


def _end_of_limit(db: sqlite3.Connection, one: LoggedEvent, now: datetime) -> datetime | None:
    """When the limit ends that an agent has run into; None if it has not, or that is not known."""
    if one.event.payload.get("activity") != "limited" or one.event.agent_id is None:
        return None
    from hive_tui.services.budgets import limits_now

    try:
        limit = limits_now(db, [agent_store.get(db, one.event.agent_id)], now=now).get(one.event.agent_id)
    except NotFound:
        return None
    return limit.resets_at if limit is not None else None


def _is_stale(alert: Alert, now: datetime) -> bool:
    """Whether it was due so long ago, while nobody told it, that the screen has told it meanwhile."""
    return alert.attempts == 0 and now - alert.due_at > TOO_OLD


def _together(loud: list[LoggedEvent]) -> list[LoggedEvent]:
    """Many crashes at once, as when a tmux server ends, are one thing to tell."""
    crashes = [one for one in loud if one.event.kind is EventKind.AGENT_CRASHED]
    if len(crashes) < MANY:
        return loud
    text = f"{len(crashes)} agents have crashed. `hive-tui recover`, or a new start of the dashboard, brings them back."
    last = crashes[-1]
    all_of_them = structs.replace(last, event=structs.replace(last.event, text=text, agent_id=None))
    return [*(one for one in loud if one not in crashes), all_of_them]


class Place(Protocol):
    """A place in the log, as far as it is needed here."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until there may be more, or the time is over; False once stopped."""
        ...

    def skip(self) -> None:
        """Go to the end."""
        ...

    def stop(self) -> None:
        """End a `wait`, from any thread."""
        ...

    def close(self) -> None:
        """Watch no longer."""
        ...


class AlertWatch:
    """Has alerts told as soon as something is logged, by whichever process; a source, as the heartbeat runs them.

    Args:
        subscribe: Makes a place in the log.
    """

    name = "alerts"
    place = "The watch for alerts"

    def __init__(self, subscribe: Callable[[], Place], tell: Callable[[], object]) -> None:
        self._subscribe = subscribe
        self._tell = tell
        self._place: Place | None = None

    def listen(self) -> None:
        """Wait for the next event, some seconds at most, and tell what is to be told."""
        if self._place is None:
            self._place = self._subscribe()
        if not self._place.wait(WAIT_S):
            place, self._place = self._place, None
            place.close()
            return
        self._place.skip()
        self._tell()

    def close(self) -> None:
        """End a `listen` soon."""
        place = self._place
        if place is not None:
            with suppress(HiveError):
                place.stop()
