"""All sources that are set up: started with the heartbeat that works, stopped with it, and what is wrong with them."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, ActorKind, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.services.hub import Hub
from hive_tui.services.sources.runner import Source, SourceRunner
from hive_tui.store import journal, settings
from hive_tui.store.database import Database

TROUBLES = "sources.trouble"
STOP_S = 3.0
"""So long is waited for them at the end; those that hang are left behind."""
HUNG_S = 60.0
"""No source listens that long at a stretch, unless it hangs."""


class Sources:
    """Each in a thread of its own.

    Args:
        make: Makes the sources, when they are first needed; given this object, to which they may `warn`.
    """

    def __init__(
        self, make: Callable[["Sources"], Sequence[Source]], database: Database, clock: Clock, hub: Hub
    ) -> None:
        self._make = make
        self._database = database
        self._clock = clock
        self._hub = hub
        self.are_heard = False
        """Whether they were started."""
        self._runners: list[SourceRunner] = []
        self._failing: dict[str, set[str]] = {}
        self._warned: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen to all of them; a second time does nothing."""
        if not self.are_heard:
            self._database.write(settings.put, TROUBLES, {}, now=self._clock.now())
            self._runners = [SourceRunner(one, self._clock, self._failed, self._worked) for one in self._make(self)]
            for runner in self._runners:
                runner.start()
            self.are_heard = True

    def stop(self) -> None:
        """Listen no more. Takes a few seconds at most."""
        for runner in self._runners:
            runner.ask_to_stop()
        until = self._clock.monotonic() + STOP_S
        for runner in self._runners:
            runner.join(max(0.0, until - self._clock.monotonic()))
        self._runners, self.are_heard = [], False

    def look_after(self) -> None:
        """Tell of a source that hangs, and cut its connection; the heartbeat calls it now and then."""
        for runner in self._runners:
            if runner.busy_s > HUNG_S:
                said = f"{runner.source.name} gives no answer for {runner.busy_s:.0f} s."
                self._failed(runner.source, HiveError(said, hint="Is it stopped, or very busy?"))
                runner.source.close()

    def warn(self, place: str, error: HiveError | None) -> None:
        """Something works less well than it should, or well again: told once."""
        with self._lock:
            is_news = (place in self._warned) is (error is None)
            self._warned = self._warned | {place} if error else self._warned - {place}
        if is_news and error is not None:
            self._tell(place, EventKind.SOURCE_TROUBLE, f"{error.what} {error.hint}".strip(), self._trouble(error))
        elif is_news:
            self._tell(place, EventKind.SOURCE_BACK, f"{place} works as it should again", None)

    def _trouble(self, error: HiveError) -> dict[str, Any]:
        return {"what": error.what, "hint": error.hint, "since": self._clock.now().isoformat()}

    def _failed(self, source: Source, error: HiveError) -> None:
        with self._lock:
            failing = self._failing.setdefault(source.place, set())
            is_news = not failing
            failing.add(source.name)
        if is_news:
            text = f"{source.place} asks for no wakes now, and is tried again: {error.what} {error.hint}".strip()
            self._tell(source.place, EventKind.SOURCE_TROUBLE, text, self._trouble(error))

    def _worked(self, source: Source) -> None:
        with self._lock:
            failing = self._failing.get(source.place, set())
            is_news = failing == {source.name}
            failing.discard(source.name)
        if is_news:
            self._tell(source.place, EventKind.SOURCE_BACK, f"{source.place} is heard again", None)

    def _tell(self, place: str, kind: EventKind, text: str, trouble: dict[str, Any] | None) -> None:
        severity = Severity.WARNING if trouble else Severity.INFO
        event = Event(kind, text, None, Actor(ActorKind.SOURCE, place), severity)
        with suppress(HiveError):  # the database is in trouble itself, which others tell
            self._database.write(_note, event, place, trouble, now=self._clock.now())
        self._hub.publish(event)


def _note(db: Any, event: Event, place: str, trouble: dict[str, Any] | None, *, now: datetime) -> None:
    troubles = {**settings.get(db, TROUBLES, {}), place: trouble}
    settings.put(db, TROUBLES, {name: one for name, one in troubles.items() if one}, now=now)
    journal.log(db, event, now=now)
