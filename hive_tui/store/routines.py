"""Recurring routines, and which of their runs were dealt with."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from hive_tui.domain.errors import NotFound
from hive_tui.domain.routines import Routine, RunOutcome
from hive_tui.store.values import from_us, to_us

COLUMNS = "id, name, agent_id, every, created_at, since_at, goal, title, parent_id, message, backfill, active"
KEPT_FOR = timedelta(days=60)
LEAST_OF_ID = 4
"""So many letters of an id are enough to name a routine."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run that was dealt with. Times are aware UTC."""

    routine_id: str
    due_at: datetime
    ran_at: datetime
    outcome: RunOutcome
    why: str = ""
    """Why nothing was made of it."""
    task_id: str | None = None
    wakeup_id: str | None = None


def everything(db: sqlite3.Connection) -> list[Routine]:
    """All routines, by name."""
    return [_routine(row) for row in db.execute(f"SELECT {COLUMNS} FROM routines ORDER BY name, id")]


def any_active(db: sqlite3.Connection) -> bool:
    """Whether any routine is on."""
    return db.execute("SELECT 1 FROM routines WHERE active LIMIT 1").fetchone() is not None


def get(db: sqlite3.Connection, named: str) -> Routine:
    """The routine with that id, with an id that begins like that, or with that name.

    Raises:
        NotFound: There is none, or several are meant.
    """
    found = everything(db)
    exact = [one for one in found if one.id == named]
    likely = [one for one in found if one.name == named]
    likely = likely or [one for one in found if len(named) >= LEAST_OF_ID and one.id.startswith(named)]
    if len(exact or likely) != 1:
        what = "Several routines are meant by" if likely else "There is no routine"
        raise NotFound(f"{what} {named!r}.", hint="`hive-tui routine` lists them.")
    return (exact or likely)[0]


def put(db: sqlite3.Connection, one: Routine) -> None:
    """Store a new or a changed routine."""
    names = COLUMNS.split(", ")
    changed = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    db.execute(
        f"INSERT INTO routines ({COLUMNS}) VALUES ({', '.join('?' * len(names))})"
        f" ON CONFLICT (id) DO UPDATE SET {changed}",
        (
            one.id,
            one.name,
            one.agent_id,
            one.every,
            to_us(one.created_at),
            to_us(one.since_at),
            one.goal,
            one.title,
            one.parent_id,
            one.message,
            one.backfill,
            int(one.active),
        ),
    )


def remove(db: sqlite3.Connection, routine_id: str) -> None:
    """Remove a routine with what is known of its runs; its tasks stay."""
    db.execute("DELETE FROM routines WHERE id = ?", (routine_id,))


def note(db: sqlite3.Connection, run: LoggedRun) -> bool:
    """Write down that a run is dealt with; False if it was before, and nothing may be made of it."""
    noted = db.execute(
        "INSERT OR IGNORE INTO routine_runs (routine_id, due_at, ran_at, outcome, why, task_id, wakeup_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (run.routine_id, to_us(run.due_at), to_us(run.ran_at), run.outcome, run.why, run.task_id, run.wakeup_id),
    )
    return noted.rowcount == 1


def is_noted(db: sqlite3.Connection, routine_id: str, due_at: datetime) -> bool:
    """Whether a run is dealt with."""
    sql = "SELECT 1 FROM routine_runs WHERE routine_id = ? AND due_at = ?"
    return db.execute(sql, (routine_id, to_us(due_at))).fetchone() is not None


def last_due(db: sqlite3.Connection, routine_id: str, until: datetime) -> datetime | None:
    """When the latest run that is dealt with was due; of those up to that time, for a clock may have gone back."""
    sql = "SELECT max(due_at) FROM routine_runs WHERE routine_id = ? AND due_at <= ?"
    row = db.execute(sql, (routine_id, to_us(until))).fetchone()
    return None if row[0] is None else from_us(row[0])


def runs(db: sqlite3.Connection, routine_id: str, *, limit: int = 100) -> list[LoggedRun]:
    """Its latest runs, oldest first."""
    rows = db.execute(
        "SELECT * FROM routine_runs WHERE routine_id = ? ORDER BY due_at DESC LIMIT ?", (routine_id, limit)
    ).fetchall()
    return [
        LoggedRun(
            row["routine_id"],
            from_us(row["due_at"]),
            from_us(row["ran_at"]),
            RunOutcome(row["outcome"]),
            row["why"],
            row["task_id"],
            row["wakeup_id"],
        )
        for row in reversed(rows)
    ]


def open_tasks(db: sqlite3.Connection, routine_id: str) -> int:
    """How many tasks that the routine has made are unfinished."""
    sql = (
        "SELECT count(*) FROM routine_runs JOIN tasks ON tasks.id = task_id"
        " WHERE routine_id = ? AND status IN ('open', 'doing')"
    )
    return int(db.execute(sql, (routine_id,)).fetchone()[0])


def forget_old(db: sqlite3.Connection, *, now: datetime) -> None:
    """Remove runs that are too old to matter."""
    db.execute("DELETE FROM routine_runs WHERE due_at < ?", (to_us(now - KEPT_FOR),))


def _routine(row: sqlite3.Row) -> Routine:
    return Routine(
        row["id"],
        row["name"],
        row["agent_id"],
        row["every"],
        from_us(row["created_at"]),
        from_us(row["since_at"]),
        row["goal"],
        row["title"],
        row["parent_id"],
        row["message"],
        row["backfill"],
        bool(row["active"]),
    )
