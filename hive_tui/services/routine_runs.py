"""Runs recurring routines when they are due: each run becomes a task or a wake, once."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from msgspec import structs

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.domain.recurrence import latest, next_after
from hive_tui.domain.routines import GRACE, LOOK_BACK, MOST_NOTED, MOST_OPEN, Routine, RunOutcome
from hive_tui.domain.tasks import Task, checked_title
from hive_tui.services import producers
from hive_tui.services import task_changes as changes
from hive_tui.services.hub import Hub
from hive_tui.services.queue import enqueue_within
from hive_tui.store import agents as agent_store
from hive_tui.store import routines as store
from hive_tui.store import settings
from hive_tui.store.database import Database
from hive_tui.store.routines import LoggedRun


class RoutineRuns:
    """Run by the working heartbeat; a second one would find every run dealt with.

    Args:
        ring: Has the queue looked at.
        max_attempts: Of each wake that is asked for.
    """

    def __init__(
        self, database: Database, ring: Callable[[], None], clock: Clock, hub: Hub, *, max_attempts: int = 5
    ) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._hub = hub
        self._max_attempts = max_attempts

    def tick(self) -> int:
        """Deal with the runs that are due; how many became a task or a wake.

        Each routine in a transaction of its own. Nothing while all automatic actions are paused: what is missed then
        is made up for afterwards.
        """
        now = self._clock.now()
        due = self._database.read(_due_routines, now)
        if not due or self._database.read(settings.get, settings.PAUSED, False):
            return 0
        made, trouble = 0, None
        for routine_id in due:
            try:
                run, events = self._database.write(_run_due, routine_id, self._max_attempts, now=now)
            except HiveError as error:  # one that cannot be read, or that was removed, does not stop the others
                trouble = error
                continue
            self._hub.publish(*events)
            made += run
        if made:
            self._ring()
        if trouble is not None:
            raise trouble
        return made

    def next_at(self) -> datetime | None:
        """When the next run of any routine is due."""
        now = self._clock.now()
        coming = []
        for one in self._database.read(store.everything):
            with suppress(HiveError):  # `tick` tells of it
                coming += [next_after(one.recurrence, one.since_at, now)] if one.active else []
        return min(coming, default=None)


def _due_routines(db: sqlite3.Connection, now: datetime) -> list[str]:
    return [one.id for one in store.everything(db) if one.active and _may_be_due(db, one, now)]


def _may_be_due(db: sqlite3.Connection, routine: Routine, now: datetime) -> bool:
    try:
        return bool(_due(db, routine, now, most=1))
    except HiveError:
        return True  # the run itself says what is wrong with it


def _due(db: sqlite3.Connection, routine: Routine, now: datetime, *, most: int) -> list[datetime]:
    """The latest runs that are over and were not dealt with, oldest first."""
    after = max(routine.since_at, now - LOOK_BACK, store.last_due(db, routine.id, now) or routine.since_at)
    return latest(routine.recurrence, routine.since_at, after, now, most)


def _run_due(
    db: sqlite3.Connection, routine_id: str, max_attempts: int, *, now: datetime
) -> tuple[int, tuple[Event, ...]]:
    routine = store.get(db, routine_id)
    due = _due(db, routine, now, most=MOST_NOTED) if routine.active else []
    late = [at for at in due if now - at > GRACE]
    kept = {*routine.made_up_for.of(late), *(at for at in due if at not in late)}
    change, made = changes.Change(db, now, max_attempts, []), 0
    for at in due:
        if at in kept:
            made += _run(change, routine, at, RunOutcome.LATE if at in late else RunOutcome.DONE)
        else:
            store.note(db, LoggedRun(routine.id, at, now, RunOutcome.MISSED, "nothing ran then"))
    if missed := [at for at in late if at not in kept]:
        times = f"{len(missed)} times, the last one" if len(missed) > 1 else "the one"
        text = f"The routine {routine.name} was missed: {times} of {missed[-1]:%Y-%m-%d %H:%M} UTC; nothing ran then"
        change.log(EventKind.ROUTINE_MISSED, text, routine.agent_id, HEARTBEAT)
    store.forget_old(db, now=now)
    return made, tuple(change.events)


def _run(change: changes.Change, routine: Routine, at: datetime, outcome: RunOutcome) -> bool:
    """Make the task or the wake of one run; whether anything was made."""
    if store.is_noted(change.db, routine.id, at):
        return False
    note = LoggedRun(routine.id, at, change.now, outcome)
    try:
        _check(change.db, routine)
        note = _make_task(change, routine, at, note) if routine.goal else _make_wake(change, routine, at, note)
    except HiveError as error:
        note = replace(note, outcome=RunOutcome.HELD, why=error.what)
        text = f"The routine {routine.name} made nothing: {error.what}"
        change.log(EventKind.ROUTINE_HELD, text, routine.agent_id, HEARTBEAT)
    store.note(change.db, note)
    return note.outcome is not RunOutcome.HELD


def _check(db: sqlite3.Connection, routine: Routine) -> None:
    if routine.agent_id not in {one.id for one in agent_store.everyone(db)}:
        raise HiveError("Its agent was forgotten.", hint="Remove the routine.")
    if (waiting := store.open_tasks(db, routine.id)) >= MOST_OPEN:
        raise HiveError(f"{waiting} of its tasks wait already.", hint="Finish or cancel them.")


def _make_task(change: changes.Change, routine: Routine, at: datetime, note: LoggedRun) -> LoggedRun:
    goal = routine.goal or ""
    task = Task(
        str(uuid4()),
        goal,
        checked_title(routine.title, goal),
        change.now,
        change.now,
        routine.parent_id,
        routine.agent_id,
        routine=routine.name,
        idempotency_key=routine.key_of(at),
    )
    given = changes.add(change, task, producers.routine, HEARTBEAT)
    return replace(note, task_id=given.task.id, wakeup_id=given.wakeup.id if given.wakeup else None)


def _make_wake(change: changes.Change, routine: Routine, at: datetime, note: LoggedRun) -> LoggedRun:
    new = producers.recurring(routine, at, change.now)
    new = structs.replace(new, max_attempts=change.max_attempts)
    enqueued, event = enqueue_within(change.db, new, str(uuid4()), HEARTBEAT, now=change.now)
    change.events.append(event)
    return replace(note, wakeup_id=enqueued.wakeup.id)
