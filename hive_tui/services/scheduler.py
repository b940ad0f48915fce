"""Sleep windows by the clock: each edge becomes durable rows of the queue, once."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Ticker
from hive_tui.domain.schedule import Backfill, SleepWindow, TickOutcome
from hive_tui.domain.wakeups import Action, NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.domain.windows import LOOK_BACK, Edge, Night, Tick, described, next_of_all, open_night, ticks
from hive_tui.services.hub import Hub
from hive_tui.services.nap_again import agents_to_nap
from hive_tui.services.routine_runs import RoutineRuns
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, settings, wakeups, windows
from hive_tui.store.database import Database

GRACE = timedelta(minutes=2)
"""An edge that is dealt with later than that was missed, and is made up for as the settings say."""
FRESH_S = 150.0
"""The ticker's own thread does nothing once the heartbeat has been silent for so long."""
INTERRUPTED = "hive-tui was interrupted at the end of it"
"""What is said of an agent whose nap was finished by another process than the one that began it."""


class Scheduler:
    """Run by the working heartbeat alone; a second one would find every edge dealt with.

    Args:
        ticker: Calls it in its own thread when the next edge is due.
        ring: Has the queue looked at.
        max_attempts: Of each nap and wake that is asked for.
        routines: What comes again and again, by the same ticks.
    """

    def __init__(
        self,
        database: Database,
        ticker: Ticker,
        ring: Callable[[], None],
        clock: Clock,
        hub: Hub,
        *,
        backfill: Backfill,
        max_attempts: int = 5,
        routines: RoutineRuns | None = None,
    ) -> None:
        self._routines = routines
        self._database = database
        self._ticker = ticker
        self._ring = ring
        self._clock = clock
        self._hub = hub
        self._backfill = backfill
        self._max_attempts = max_attempts
        self._kept_at = float("-inf")

    def keep(self) -> None:
        """What the heartbeat calls now and then: deal with what is due, and set the ticker to the next edge.

        That the ticker alone would do; but it sleeps by a clock that stands while the machine is suspended.
        """
        self._kept_at = self._clock.monotonic()
        self.tick()
        self._set()

    def on_time(self) -> None:
        """What the ticker calls."""
        if self._clock.monotonic() - self._kept_at <= FRESH_S:
            self.tick()
            self._set()

    def stop(self) -> None:
        """End the ticker."""
        self._ticker.stop()

    def tick(self) -> int:
        """Deal with the edges and routines that are due; how many naps, wakes and tasks were made.

        Nothing while all automatic actions are paused: what is missed then is made up for afterwards.
        """
        asked = self._tick_windows() + self._nap_again()
        return asked + (self._routines.tick() if self._routines else 0)

    def _nap_again(self) -> int:
        now = self._clock.now()
        if not self._database.read(_is_to_nap_again, now) or self._database.read(settings.get, settings.PAUSED, False):
            return 0
        asked = self._database.write(_ask_naps_again, self._max_attempts, now=now)
        if asked:
            self._ring()
        return asked

    def _tick_windows(self) -> int:
        now = self._clock.now()
        if not self._database.read(_is_due, now) or self._database.read(settings.get, settings.PAUSED, False):
            return 0
        asked, events = self._database.write(_tick, self._backfill, self._max_attempts, now=now)
        self._hub.publish(*events)
        if asked:
            self._ring()
        return asked

    def _set(self) -> None:
        coming = next_of_all(self._database.read(windows.everything), self._clock.now())
        routine_at = self._routines.next_at() if self._routines else None
        moments = [at for at in (coming[1].at if coming else None, routine_at) if at is not None]
        self._ticker.set(min(moments, default=None))


def _is_due(db: sqlite3.Connection, now: datetime) -> bool:
    return any(_due(db, window, now) for window in windows.everything(db))


def _due(db: sqlite3.Connection, window: SleepWindow, now: datetime) -> list[Tick]:
    """The edges of a window that are over and were not dealt with, oldest first."""
    if not window.active:
        return []
    earliest = max(window.since_at or now - LOOK_BACK, now - LOOK_BACK)
    over = ticks(window, earliest, now)
    if not over:
        return []
    # By their dates: a window that was changed has other times on a date that it was dealt with.
    dealt_with = {(one.edge, one.date) for one in windows.noted(db, window.id, since=earliest - LOOK_BACK)}
    return [one for one in over if (one.edge, one.night.date) not in dealt_with]


def _tick(
    db: sqlite3.Connection, backfill: Backfill, max_attempts: int, *, now: datetime
) -> tuple[int, tuple[Event, ...]]:
    asked, events = 0, []
    everything = windows.everything(db)
    for window in everything:
        due = _due(db, window, now)
        kept = _kept(due, backfill, now)
        for tick in due:
            outcome = TickOutcome.DONE if now - tick.at <= GRACE else TickOutcome.LATE
            if tick not in kept:
                outcome, agents = TickOutcome.MISSED, []
            elif tick.edge is Edge.NAP:
                agents = _ask_naps(db, window, tick.night, max_attempts, now)
            else:
                agents = end_night(db, window, everything, max_attempts, now=now)
            windows.note(db, tick, outcome, len(agents), now=now)
            event = _told(window, tick, outcome, agents)
            journal.log(db, event, now=now)
            events.append(event)
            asked += len(agents)
    windows.forget_old(db, now=now)
    return asked, tuple(events)


def _kept(due: Sequence[Tick], backfill: Backfill, now: datetime) -> set[Tick]:
    """The edges that something is done about: those on time, and of the others as many as are made up for."""
    late = [one for one in due if now - one.at > GRACE]
    naps = [one for one in late if one.edge is Edge.NAP and one.night.is_open(now)]
    wakes = [one for one in late if one.edge is Edge.WAKE]
    on_time = [one for one in due if one not in late and (one.edge is Edge.WAKE or one.night.is_open(now))]
    return {*on_time, *backfill.of(naps), *backfill.of(wakes)}


def _ask_naps(db: sqlite3.Connection, window: SleepWindow, night: Night, most: int, now: datetime) -> list[Agent]:
    """Ask for a nap of each of the window's agents that runs and could be resumed.

    Not of one that is held: nothing but a person would wake it again.
    """
    found = [
        one
        for one in agent_store.everyone(db)
        if window.agent_id in (None, one.id)
        and one.lifecycle in (Lifecycle.AWAKE, Lifecycle.WAKING)
        and one.session_id is not None
        and not (one.pinned or one.held)
    ]
    for agent in found:
        _ask_nap(db, agent, window, night, (reason_of(window),), most, now)
    return found


def _is_to_nap_again(db: sqlite3.Connection, now: datetime) -> bool:
    return any(
        not _was_asked_again(db, window, night, agent, wake)
        for window in windows.everything(db)
        for night, found in [agents_to_nap(db, window, now)]
        if night is not None
        for agent, wake in found
    )


def _was_asked_again(db: sqlite3.Connection, window: SleepWindow, night: Night, agent: Agent, wake: Wakeup) -> bool:
    key = _key(window, night, agent, f":{wake.id}")
    return any(one.idempotency_key == key for one in windows.naps_of(db, window.id, since=night.start_at))


def _ask_naps_again(db: sqlite3.Connection, max_attempts: int, *, now: datetime) -> int:
    """Once for each wake; what speaks against the nap then puts it off, until the window ends."""
    asked = 0
    for window in windows.everything(db):
        night, found = agents_to_nap(db, window, now)
        for agent, wake in found:
            if night is not None and not _was_asked_again(db, window, night, agent, wake):
                _ask_nap(db, agent, window, night, (reason_of(window),), max_attempts, now, again=f":{wake.id}")
                asked += 1
    return asked


def _key(window: SleepWindow, night: Night, agent: Agent, again: str = "") -> str:
    return f"{windows.nap_key(window.id)}{night.date}:{agent.id}{again}"


def _ask_nap(
    db: sqlite3.Connection,
    agent: Agent,
    window: SleepWindow,
    night: Night,
    reasons: Sequence[str],
    max_attempts: int,
    now: datetime,
    *,
    again: str = "",
) -> None:
    new = NewWakeup(
        agent.id,
        Trigger.SCHEDULE,
        now,
        action=Action.NAP,
        idempotency_key=_key(window, night, agent, again),
        max_attempts=max_attempts,
        context={"window_id": window.id, "date": night.date.isoformat(), "reasons": list(reasons)},
    )
    wakeups.enqueue(db, new, str(uuid4()), now=now)


def end_night(
    db: sqlite3.Connection,
    window: SleepWindow,
    everything: Sequence[SleepWindow],
    max_attempts: int,
    *,
    now: datetime,
) -> list[Agent]:
    """Ask for a wake of each agent that the window has put to sleep, and give up its other naps.

    An agent that another open window covers goes on sleeping, and is that one's from now on. One that was
    woken since is nobody's. While the window is open again (its end was missed), all wait for the next end.
    """
    windows.cancel_naps(db, window.id, now=now)
    if (again := open_night(window, now)) is not None and window.active and again.start_at < now:
        return []
    woken = []
    for agent, nap in _sleepers(db, window, now):
        other = next((one for one in everything if one.id != window.id and _covers(one, agent, now)), None)
        if other is not None and (night := open_night(other, now)) is not None:
            reasons = (reason_of(other), *nap.context.get("reasons", ()))
            _ask_nap(db, agent, other, night, reasons, max_attempts, now)
            continue
        new = NewWakeup(agent.id, Trigger.SCHEDULE, now, max_attempts=max_attempts, context={"window_id": window.id})
        wakeups.enqueue(db, new, str(uuid4()), now=now)
        woken.append(agent)
    return woken


def _sleepers(db: sqlite3.Connection, window: SleepWindow, now: datetime) -> list[tuple[Agent, Wakeup]]:
    """The agents that sleep because of the window, each with its latest nap."""
    agents = {one.id: one for one in agent_store.everyone(db)}
    latest = {nap.agent_id: nap for nap in windows.naps_of(db, window.id, since=now - LOOK_BACK)}
    return [
        (agents[nap.agent_id], nap)
        for nap in latest.values()
        if nap.agent_id in agents and sleeps_by(db, agents[nap.agent_id], nap)
    ]


def sleeps_by(db: sqlite3.Connection, agent: Agent, nap: Wakeup) -> bool:
    """Whether that nap is why the agent sleeps, or is about to."""
    if nap.status is WakeupStatus.PROCESSING:
        return True
    if agent.lifecycle not in (Lifecycle.ASLEEP, Lifecycle.NAPPING) or nap.started_at is None:
        return False
    slept = windows.last_sleep(db, agent.id)
    if slept is None:
        return False
    at, text = slept
    finished_by_other = INTERRUPTED in text and at >= nap.started_at
    return finished_by_other or any(reason in text for reason in nap.context.get("reasons", ()))


def _covers(window: SleepWindow, agent: Agent, now: datetime) -> bool:
    """Whether the window wants the agent asleep now."""
    if not window.active or window.agent_id not in (None, agent.id):
        return False
    night = open_night(window, now)
    return night is not None and (window.since_at is None or night.start_at >= window.since_at)


def reason_of(window: SleepWindow) -> str:
    """Why an agent sleeps in a window; tells windows apart."""
    return f"sleep window {described(window)} [{window.id[:8]}]"


def _told(window: SleepWindow, tick: Tick, outcome: TickOutcome, agents: Sequence[Agent]) -> Event:
    names = ", ".join(agent.name for agent in agents) or "nobody"
    begins = tick.edge is Edge.NAP
    payload = {"window_id": window.id, "date": tick.night.date.isoformat(), "outcome": str(outcome)}
    if outcome is TickOutcome.MISSED:
        what = "start" if begins else "end"
        text = f"The {what} of the sleep window {described(window)} on {tick.night.date} was missed: nothing ran then"
        return Event(EventKind.WINDOW_MISSED, text, window.agent_id, HEARTBEAT, Severity.WARNING, payload)
    kind = EventKind.WINDOW_BEGAN if begins else EventKind.WINDOW_ENDED
    late = " late" if outcome is TickOutcome.LATE else ""
    verb = f"begins{late}: asked to nap" if begins else f"is over{late}: to be woken"
    return Event(
        kind, f"The sleep window {described(window)} {verb}: {names}", window.agent_id, HEARTBEAT, payload=payload
    )


def changed(window: SleepWindow, said: str, actor: Actor) -> Event:
    """A person has changed a window."""
    text = f"The sleep window {described(window)} {said}"
    return Event(EventKind.WINDOW_CHANGED, text, window.agent_id, actor, payload={"window_id": window.id})
