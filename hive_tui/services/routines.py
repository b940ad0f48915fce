"""Recurring routines for a person: what they are, what comes next, what was missed; and changes to them."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from hive_tui.adapters.zone import local_zone
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.domain.recurrence import next_after
from hive_tui.domain.routines import Routine, checked_every
from hive_tui.domain.schedule import parse_backfill
from hive_tui.domain.tasks import check_parent, checked_goal, checked_title, one_line
from hive_tui.services.hub import Hub
from hive_tui.services.messages import checked
from hive_tui.services.task_changes import chain_of
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from hive_tui.store import routines as store
from hive_tui.store.database import Database
from hive_tui.store.routines import LoggedRun

GONE = "(forgotten)"


@dataclass(frozen=True, slots=True)
class RoutineView:
    """One routine with what is known of it."""

    routine: Routine
    agent_name: str
    next_at: datetime | None
    """Aware UTC; None for one that is off, or in a zone that this machine does not know."""
    runs: tuple[LoggedRun, ...]
    """Its latest runs, oldest first."""
    open_tasks: int

    @property
    def last(self) -> LoggedRun | None:
        """The latest run."""
        return self.runs[-1] if self.runs else None


class Routines:
    """Each change is checked, stored as a whole, and told; routines are named by name, id, or how an id begins."""

    def __init__(self, database: Database, ring: Callable[[], None], clock: Clock, hub: Hub) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._hub = hub

    def view(self) -> tuple[RoutineView, ...]:
        """All of them, by name."""
        return self._database.read(_views, now=self._clock.now())

    def get(self, named: str) -> RoutineView:
        """One of them.

        Raises:
            NotFound: There is none, or several are meant.
        """
        wanted = self._database.read(store.get, named)
        return next(one for one in self.view() if one.routine.id == wanted.id)

    def add(
        self,
        every: str,
        agent: Agent,
        actor: Actor,
        *,
        goal: str | None = None,
        name: str | None = None,
        title: str | None = None,
        parent_id: str | None = None,
        message: str | None = None,
        backfill: str = "once",
    ) -> Routine:
        """Store a new routine, which is on from now.

        Args:
            every: How often, like `daily 09:00 Europe/Berlin`, `4h` or `0 9 * * 1-5`; without a zone in this machine's.
            agent: Who is to do it.
            actor: Who adds it.
            goal: What is wanted each time; None only wakes the agent.
            name: One line; None takes the title, or what it does.
            title: Of its tasks; None takes the first line of the goal.
            parent_id: The goal of which its tasks are parts.
            message: What the agent is told by a routine that only wakes it.
            backfill: What becomes of missed runs: `skip`, `once` or `all(n)`.

        Raises:
            HiveError: One of these is wrong, or a routine has that name already.
            NotFound: There is no such parent.
        """
        now = self._clock.now()
        text = checked_goal(goal) if goal is not None else None
        titled = checked_title(title, text) if text else None
        parse_backfill(backfill)
        new = Routine(
            str(uuid4()),
            one_line(name or "") or titled or f"wake {agent.name}",
            agent.id,
            checked_every(every, getattr(local_zone(), "key", None) or "UTC"),
            now,
            now,
            text,
            titled,
            parent_id,
            checked(message) if message else None,
            backfill,
        )
        self._store(_add, new, _told(new, f"was added for {agent.name}: {new.every}", actor))
        return self._database.read(store.get, new.id)

    def edit(self, old: Routine, agent: Agent, actor: Actor, *, every: str, name: str, says: str) -> Routine:
        """Give a routine other facts; with another rhythm it begins anew, and the tasks that it has made stay.

        Args:
            old: The routine as it was seen.
            agent: Who is to do it.
            actor: Who changes it.
            every: How often, as for `add`.
            name: One line.
            says: The goal of its tasks; of a routine that only wakes, what the agent is told, or nothing.

        Raises:
            HiveError: One of these is wrong, or another routine has that name.
            NotFound: There is no such routine any more.
        """
        stored = self._database.read(store.get, old.id)
        text = checked_every(every, getattr(local_zone(), "key", None) or "UTC")
        since_at = stored.since_at if text == stored.every else self._clock.now()
        new = replace(stored, agent_id=agent.id, every=text, since_at=since_at, name=one_line(name) or stored.name)
        if stored.goal is None:
            new = replace(new, message=checked(says) if says else None)
        elif says != stored.goal:
            goal = checked_goal(says)
            has_own = stored.title != checked_title(None, stored.goal)
            new = replace(new, goal=goal, title=stored.title if has_own else checked_title(None, goal))
        self._store(_edit, new, _told(new, f"was changed for {agent.name}: {new.every}", actor))
        return new

    def enable(self, named: str, active: bool, actor: Actor) -> Routine:
        """Switch a routine on, from its next run on, or off.

        Raises:
            NotFound: There is none, or several are meant.
        """
        old = self._database.read(store.get, named)
        if old.active is active:
            return old
        new = replace(old, active=active, since_at=self._clock.now() if active else old.since_at)
        self._store(_put, new, _told(new, "is on" if active else "is off", actor))
        return new

    def remove(self, named: str, actor: Actor) -> Routine:
        """Remove a routine; the tasks that it has made stay.

        Raises:
            NotFound: There is none, or several are meant.
        """
        old = self._database.read(store.get, named)
        self._store(_remove, old, _told(old, "was removed", actor))
        return old

    def put_back(self, routine: Routine, actor: Actor) -> None:
        """Store a routine as it was, from its next run on, to undo a change or its removal."""
        back = replace(routine, since_at=self._clock.now())
        self._store(_put, back, _told(back, "is as it was before", actor))

    def _store(self, change: Callable[[sqlite3.Connection, Routine], None], one: Routine, event: Event) -> None:
        def run(db: sqlite3.Connection) -> None:
            change(db, one)
            journal.log(db, event, now=self._clock.now())

        self._database.write(run)
        self._hub.publish(event)
        self._ring()


def _views(db: sqlite3.Connection, *, now: datetime) -> tuple[RoutineView, ...]:
    names = {one.id: one.name for one in agent_store.everyone(db)}
    return tuple(
        RoutineView(
            one,
            names.get(one.agent_id, GONE),
            _next(one, now),
            tuple(store.runs(db, one.id)),
            store.open_tasks(db, one.id),
        )
        for one in store.everything(db)
    )


def _next(one: Routine, now: datetime) -> datetime | None:
    if one.active:
        with suppress(HiveError):  # a zone that this machine knows no more; the heartbeat tells of it
            return next_after(one.recurrence, one.since_at, now)
    return None


def _edit(db: sqlite3.Connection, new: Routine) -> None:
    _check_name(db, new)
    store.put(db, new)


def _check_name(db: sqlite3.Connection, new: Routine) -> None:
    if any(one.name == new.name and one.id != new.id for one in store.everything(db)):
        hint = f"Name it otherwise, or remove that one: `hive-tui routine remove {new.name!r}`."
        raise HiveError(f"There is a routine {new.name!r} already.", hint=hint)


def _add(db: sqlite3.Connection, new: Routine) -> None:
    _check_name(db, new)
    if new.parent_id is not None:
        above = chain_of(db, new.parent_id)
        check_parent(new.id, above)
        new = replace(new, parent_id=above[-1].id)
    store.put(db, new)


def _put(db: sqlite3.Connection, one: Routine) -> None:
    store.put(db, one)


def _remove(db: sqlite3.Connection, one: Routine) -> None:
    store.remove(db, one.id)


def _told(one: Routine, said: str, actor: Actor) -> Event:
    return Event(EventKind.ROUTINE_CHANGED, f"The routine {one.name} {said}", one.agent_id, actor)
