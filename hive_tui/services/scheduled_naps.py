"""Runs the naps of the queue: what speaks against one now may not an hour later, until its window is over."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.errors import AgentBusy, HiveError, NapRefused, NotFound, class_of
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.wakeups import Outcome, Wakeup
from hive_tui.domain.windows import Night, open_night
from hive_tui.services.hub import Hub
from hive_tui.services.nap import Napper, NapRequest
from hive_tui.services.scheduler import reason_of, sleeps_by
from hive_tui.store import agents as agent_store
from hive_tui.store import claims, journal, settings, windows
from hive_tui.store.database import Database

SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=10)
"""A vetoed nap is tried again after a quarter of the time that its window has been open, between these."""


class ScheduledNaps:
    """One attempt each; every expected failure is written down and not raised."""

    def __init__(
        self,
        database: Database,
        napper: Napper,
        clock: Clock,
        hub: Hub,
        next_at: Callable[[Wakeup], datetime | None],
    ) -> None:
        self._database = database
        self._napper = napper
        self._clock = clock
        self._hub = hub
        self._next_at = next_at

    def run(self, claimed: Wakeup) -> None:
        """Put the agent of a claimed nap to sleep, if its window is still open and nothing speaks against it."""
        window, night = self._window_of(claimed)
        agent = self._database.read(agent_store.get, claimed.agent_id)
        if window is None or night is None:
            self._complete(claimed, "skip: over: its sleep window is over, was changed or is gone")
        elif self._database.read(settings.get, settings.PAUSED, False):
            self._defer(claimed, night, "pause switch", "all automatic actions are paused")
        elif agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED):
            is_ours = self._database.read(sleeps_by, agent, claimed) or _is_taken_over(claimed)
            self._complete(claimed, "skip: asleep: the agent sleeps already", {"napped": is_ours})
        else:
            self._nap(claimed, agent, window, night)

    def _nap(self, claimed: Wakeup, agent: Agent, window: SleepWindow, night: Night) -> None:
        try:
            result = self._napper.nap(agent.id, NapRequest(reason_of(window), HEARTBEAT), Unwatched())
        except (NapRefused, AgentBusy) as error:
            self._defer(claimed, night, "veto", error.what)
        except HiveError as error:
            self._fail(claimed, agent, night, error)
        else:
            given = {"napped": True, "checkpoint_id": result.checkpoint.id, "freed_bytes": result.freed_bytes}
            self._complete(claimed, "nap: due: asked for by schedule", given, Outcome.SUCCEEDED)

    def _window_of(self, claimed: Wakeup) -> tuple[SleepWindow | None, Night | None]:
        """The window with the night that is going on, if it is still the one that asked."""
        try:
            window = self._database.read(windows.get, str(claimed.context.get("window_id", "")))
        except NotFound:
            return None, None
        night = open_night(window, self._clock.now()) if window.active else None
        if night is None or night.date.isoformat() != claimed.context.get("date"):
            return window, None
        return window, night

    def _complete(
        self,
        claimed: Wakeup,
        verdict: str,
        result: Mapping[str, Any] | None = None,
        outcome: Outcome = Outcome.SKIPPED,
    ) -> None:
        given = result or {"napped": False}
        now = self._clock.now()
        self._database.write(claims.complete, claimed, now=now, verdict=verdict, result=given, outcome=outcome)
        self._hub.publish(Event(EventKind.WAKEUP_COMPLETED, f"A nap is done: {verdict}", claimed.agent_id))

    def _defer(self, claimed: Wakeup, night: Night, rule: str, reason: str) -> None:
        now = self._clock.now()
        until = min(now + min(max((now - night.start_at) / 4, SHORTEST_WAIT), LONGEST_WAIT), night.end_at)
        verdict = f"defer: {rule}: {reason}"
        self._database.write(claims.defer, claimed, now=now, until=until, verdict=verdict, reason=reason)
        self._hub.publish(Event(EventKind.WAKEUP_SCHEDULED, f"A nap waits: {reason}", claimed.agent_id))

    def _fail(self, claimed: Wakeup, agent: Agent, night: Night, error: HiveError) -> None:
        """Tried again after the backoff, but not behind the window's end."""
        now = self._clock.now()
        error_class = class_of(error)
        is_last = claimed.attempts >= claimed.max_attempts or not error_class.is_retried
        again = None if is_last else self._next_at(claimed)
        next_at = again if again is not None and again < night.end_at else None
        said = f"{error.what} {error.hint}".strip()
        end = "it is tried again" if next_at is not None else "it stays awake in this sleep window"
        kind = EventKind.WAKEUP_RETRY if next_at is not None else EventKind.WAKEUP_FAILED
        event = Event(kind, f"{agent.name} was not put to sleep, {end}: {said}", agent.id, HEARTBEAT, Severity.FAILURE)
        if self._database.write(claims.fail, claimed, now=now, error=said, next_at=next_at, error_class=error_class):
            self._database.write(journal.log, event, now=now)
            self._hub.publish(event)


def _is_taken_over(claimed: Wakeup) -> bool:
    """Whether another window that put the agent to sleep has ended while this one is open."""
    return len(claimed.context.get("reasons", ())) > 1
