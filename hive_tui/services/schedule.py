"""The sleep windows for a person: what they are, what comes next, what was missed; and changes to them."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from msgspec import structs

from hive_tui.domain.events import Actor, Event
from hive_tui.domain.ports import Clock
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.windows import LOOK_BACK, Edge, checked_window, next_tick, open_night
from hive_tui.services.hub import Hub
from hive_tui.services.scheduler import changed, end_night
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, windows
from hive_tui.store.database import Database
from hive_tui.store.windows import LoggedTick

EVERYONE = "all agents"


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window. Times are aware UTC; None for an inactive one."""

    window: SleepWindow
    agent_name: str
    """`all agents`, or whose it is."""
    next_nap_at: datetime | None
    next_wake_at: datetime | None
    is_open: bool
    """Whether its agents are to sleep now."""
    ticks: tuple[LoggedTick, ...]
    """What became of its edges in the last eight days, oldest first."""

    @property
    def last(self) -> LoggedTick | None:
        """The latest of them."""
        return self.ticks[-1] if self.ticks else None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """All windows."""

    at: datetime
    windows: tuple[WindowView, ...]


class Schedule:
    """Each change is checked, stored as a whole, and told; windows are named by id, or by how an id begins."""

    def __init__(
        self, database: Database, ring: Callable[[], None], clock: Clock, hub: Hub, *, max_attempts: int = 5
    ) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._hub = hub
        self._max_attempts = max_attempts

    def view(self) -> ScheduleView:
        """All windows, those for all agents first."""
        now = self._clock.now()
        return ScheduleView(now, self._database.read(_views, now=now))

    def get(self, window_id: str) -> WindowView:
        """One window.

        Raises:
            NotFound: There is none, or several begin like that.
        """
        wanted = self._database.read(windows.get, window_id)
        return next(one for one in self.view().windows if one.window.id == wanted.id)

    def add(self, window: SleepWindow, actor: Actor) -> SleepWindow:
        """Store a new window; its id is made here.

        Raises:
            HiveError: A time or the zone is wrong.
        """
        since = self._clock.now() if window.active else None
        new = checked_window(structs.replace(window, id=str(uuid4()), since_at=since))
        self._store(None, new, changed(new, "was added", actor))
        return new

    def edit(self, window_id: str, wanted: SleepWindow, actor: Actor) -> SleepWindow:
        """Give a window other times, another zone, or to another agent.

        Agents that it has put to sleep and that it does not want asleep now any more are woken.

        Raises:
            HiveError: There is no such window, or a time or the zone is wrong.
        """
        old = self._database.read(windows.get, window_id)
        new = checked_window(structs.replace(wanted, id=old.id, since_at=self._clock.now()))
        self._store(
            old, new, changed(new, f"was changed; it was {old.start_time}-{old.end_time} {old.timezone}", actor)
        )
        return new

    def enable(self, window_id: str, active: bool, actor: Actor) -> SleepWindow:
        """Switch a window on, from its next start on; or off, which wakes those that it has put to sleep.

        Raises:
            NotFound: There is none, or several begin like that.
        """
        old = self._database.read(windows.get, window_id)
        if old.active is active:
            return old
        new = structs.replace(checked_window(old), active=active, since_at=self._clock.now())
        self._store(old, new, changed(new, "is enabled" if active else "is disabled", actor))
        return new

    def remove(self, window_id: str, actor: Actor) -> SleepWindow:
        """Remove a window; those that it has put to sleep are woken.

        Raises:
            NotFound: There is none, or several begin like that.
        """
        old = self._database.read(windows.get, window_id)
        self._store(old, None, changed(old, "was removed", actor))
        return old

    def put_back(self, window: SleepWindow, actor: Actor) -> None:
        """Store a window as it was, to undo a change or its removal."""
        found = [one for one in self._database.read(windows.everything) if one.id == window.id]
        back = structs.replace(window, since_at=self._clock.now())
        self._store(found[0] if found else None, back, changed(back, "is as it was before", actor))

    def _store(self, old: SleepWindow | None, new: SleepWindow | None, event: Event) -> None:
        self._database.write(_store, old, new, event, self._max_attempts, now=self._clock.now())
        self._hub.publish(event)
        self._ring()


def _views(db: sqlite3.Connection, *, now: datetime) -> tuple[WindowView, ...]:
    names = {one.id: one.name for one in agent_store.everyone(db)}
    return tuple(_view(db, one, names, now) for one in windows.everything(db))


def _view(db: sqlite3.Connection, window: SleepWindow, names: dict[str, str], now: datetime) -> WindowView:
    nap = next_tick(window, now, Edge.NAP) if window.active else None
    wake = next_tick(window, now, Edge.WAKE) if window.active else None
    noted = tuple(windows.noted(db, window.id, since=now - LOOK_BACK))
    return WindowView(
        window,
        EVERYONE if window.agent_id is None else names.get(window.agent_id, "(forgotten)"),
        nap.at if nap else None,
        wake.at if wake else None,
        _is_open(window, noted, now),
        noted,
    )


def _is_open(window: SleepWindow, noted: tuple[LoggedTick, ...], now: datetime) -> bool:
    """Whether it has begun: one that was enabled or changed in its middle begins with its next start."""
    night = open_night(window, now) if window.active else None
    if night is None:
        return False
    begun = any(one.edge is Edge.NAP and one.date == night.date for one in noted)
    return begun or window.since_at is None or night.start_at > window.since_at


def _store(
    db: sqlite3.Connection,
    old: SleepWindow | None,
    new: SleepWindow | None,
    event: Event,
    max_attempts: int,
    *,
    now: datetime,
) -> None:
    """Store the change, and let go of those that slept by what is not wanted any more."""
    if old is not None and old.active and not _still_wants(old, new, now):
        end_night(db, structs.replace(old, active=False), windows.everything(db), max_attempts, now=now)
    if new is None:
        assert old is not None
        windows.remove(db, old.id)
    else:
        windows.put(db, new)
        coming = next_tick(new, now, Edge.NAP)
        if coming is not None:
            windows.forget_from(db, new.id, coming.night.date)
    journal.log(db, event, now=now)


def _still_wants(old: SleepWindow, new: SleepWindow | None, now: datetime) -> bool:
    """Whether those that sleep by the old window would sleep by the new one, on the same date."""
    if new is None or not new.active or new.agent_id != old.agent_id:
        return False
    before, after = open_night(old, now), open_night(new, now)
    return before is not None and after is not None and before.date == after.date
