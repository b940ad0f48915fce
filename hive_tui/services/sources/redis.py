"""Wakes that are asked for through Redis, and the channel on which Redis is told of them.

What is on the server is removed, or acknowledged, only after its wake is in the database. A crash in between
delivers it again, and `Intake` knows it then.
"""

import hashlib
import json
import threading

from hive_tui.domain.agents import Agent
from hive_tui.domain.events import EventKind
from hive_tui.domain.signals import (
    Channel,
    SignalRefused,
    SignalServer,
    StreamEntry,
    StreamReader,
    WakeSignal,
    asked_by_fields,
    asked_by_text,
)
from hive_tui.domain.wakeups import Trigger
from hive_tui.services.sources.intake import Delivery, Intake
from hive_tui.services.subscription import EventLog, Subscription
from hive_tui.store import agents as agent_store
from hive_tui.store.database import Database
from hive_tui.store.journal import LoggedEvent

PLACE = "Redis"
KEYS, STREAM = "redis.key", "redis.stream"
LOOK_EVERY_S = 2.0
TOLD_LOOK_EVERY_S = 15.0
"""Between two looks at the keys where the server tells of changes: it may have lost a word of that."""
WAIT_S = 2.0
UNFINISHED_EVERY_S = 30.0
MOST_READS = 100


class KeySignals:
    """Keys that are set to have an agent woken."""

    name, place = "Redis keys", PLACE

    def __init__(self, server: SignalServer, intake: Intake, database: Database) -> None:
        self._server = server
        self._intake = intake
        self._database = database
        self._closed = threading.Event()

    def listen(self) -> None:
        """One look at the keys of all agents, and a rest until there is more."""
        self._closed.clear()
        self.look()
        if not self._server.rest(TOLD_LOOK_EVERY_S):
            self._closed.wait(LOOK_EVERY_S)

    def look(self) -> None:
        """Take what is set now, and do not wait for more."""
        agents = {agent.name: agent for agent in self._database.read(agent_store.everyone)}
        for signal in self._server.waiting(list(agents)):
            self._take(signal, agents[signal.agent_name])

    def close(self) -> None:
        """See `Source`."""
        self._closed.set()
        self._server.close()

    def _take(self, signal: WakeSignal, agent: Agent) -> None:
        digest = hashlib.sha256(signal.value).hexdigest()[:32]
        # The same value may be set again later, and is another signal then.
        key = f"{agent.id}:{digest}:{signal.set_id}"
        try:
            asked = asked_by_text(signal.value)
        except SignalRefused as error:
            self._intake.refuse(KEYS, key, f"The wake signal of {agent.name}: {error.what}", signal.value)
        else:
            by_value = f"{KEYS}:{agent.id}:{digest}"
            self._intake.take(
                Delivery(KEYS, key, agent.id, Trigger.REDIS, asked, {"source": KEYS}, idempotency_key=by_value)
            )
        self._server.settle(signal)


class StreamSignals:
    """A stream of requests, read as one of a group."""

    name, place = "Redis stream", PLACE

    def __init__(self, stream: str, reader: StreamReader, intake: Intake) -> None:
        self._stream = stream
        self._reader = reader
        self._intake = intake
        self._rounds_left = 0

    def listen(self) -> None:
        """What was left unfinished, now and then; then what is new."""
        if self._rounds_left <= 0:
            self._take_unfinished()
            self._rounds_left = int(UNFINISHED_EVERY_S / WAIT_S)
        self._rounds_left -= 1
        try:
            self._take_all(self._reader.next(WAIT_S))
        except Exception:
            self._rounds_left = 0
            raise

    def look(self) -> None:
        """Take what is there now, and do not wait for more."""
        self._take_unfinished()
        for _ in range(MOST_READS):  # one who writes without end must not keep us here
            if not (entries := self._reader.next(0.0)):
                break
            self._take_all(entries)

    def close(self) -> None:
        """See `Source`."""
        self._reader.close()

    def _take_unfinished(self) -> None:
        while entries := self._reader.unfinished():
            self._take_all(entries)

    def _take_all(self, entries: list[StreamEntry]) -> None:
        for entry in entries:
            self._take(entry)
            self._reader.acknowledge(entry.id)

    def _take(self, entry: StreamEntry) -> None:
        if entry.fields is None:
            return
        key = f"{self._stream}:{entry.id}"
        try:
            agent, asked = asked_by_fields(entry.fields)
        except SignalRefused as error:
            self._intake.refuse(STREAM, key, f"Entry {entry.id} of {self._stream}: {error.what}", dict(entry.fields))
        else:
            self._intake.take(Delivery(STREAM, key, agent, Trigger.REDIS, asked, {"source": STREAM}))


class EventPublisher:
    """Tells a channel of every event, as it comes: fire and forget. What happens without the server is left out."""

    name, place = "Redis channel", PLACE

    def __init__(self, channel: Channel, log: EventLog) -> None:
        self._channel = channel
        self._log = log
        self._events: Subscription | None = None

    def listen(self) -> None:
        """Publish what has happened, or wait a little for something to happen."""
        if self._events is None:
            self._events = self._log.subscribe()
        found = self._events.read()
        try:
            if found:
                self._channel.publish([_message(one) for one in found])
            elif not self._events.wait(WAIT_S):
                self._leave_off()
        except Exception:
            self._leave_off()
            raise

    def close(self) -> None:
        """See `Source`."""
        if (events := self._events) is not None:
            events.stop()
        self._channel.close()

    def _leave_off(self) -> None:
        """The next time begins with what comes then."""
        if self._events is not None:
            self._events.close()
        self._events = None


def _message(one: LoggedEvent) -> str:
    """As `events --json` has it; a wake says so in a word that a subscriber can look for."""
    more = {"type": "WAKE"} if one.event.kind is EventKind.AGENT_AWAKE else {}
    return json.dumps({**one.to_json(), **more}, ensure_ascii=False)
