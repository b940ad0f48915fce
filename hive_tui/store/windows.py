"""Sleep windows, and which of their edges were dealt with."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hive_tui.domain.errors import NotFound
from hive_tui.domain.schedule import SleepWindow, TickOutcome
from hive_tui.domain.wakeups import Wakeup
from hive_tui.domain.windows import Edge, Tick
from hive_tui.store.values import from_us, optional_time, optional_us, to_us
from hive_tui.store.wakeups import CLOSED, wakeup_of
from hive_tui.store.wakeups import COLUMNS as WAKEUP_COLUMNS

COLUMNS = "id, agent_id, start_time, end_time, timezone, active, since"
KEPT_FOR = timedelta(days=60)
NAPS = "idempotency_key >= :key AND idempotency_key < :key || '~' AND action = 'nap'"


@dataclass(frozen=True, slots=True)
class LoggedTick:
    """An edge that was dealt with."""

    window_id: str
    edge: Edge
    date: date
    due_at: datetime
    ticked_at: datetime
    outcome: TickOutcome
    agents: int
    """How many were asked to nap or wake."""


def everything(db: sqlite3.Connection) -> list[SleepWindow]:
    """All sleep windows, those for all agents first."""
    rows = db.execute(f"SELECT {COLUMNS} FROM sleep_windows ORDER BY agent_id IS NOT NULL, start_time, id")
    return [_window(row) for row in rows]


def get(db: sqlite3.Connection, window_id: str) -> SleepWindow:
    """The window with that id, or with an id that begins like that.

    Raises:
        NotFound: There is none, or several begin like that.
    """
    found = [one for one in everything(db) if window_id and one.id.startswith(window_id)]
    exact = [one for one in found if one.id == window_id]
    if len(exact or found) != 1:
        what = "Several sleep windows begin with" if found else "There is no sleep window"
        raise NotFound(f"{what} {window_id!r}.", hint="`hive-tui schedule` lists them.")
    return (exact or found)[0]


def put(db: sqlite3.Connection, window: SleepWindow) -> None:
    """Store a new or a changed window."""
    db.execute(
        f"INSERT INTO sleep_windows ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " agent_id = excluded.agent_id, start_time = excluded.start_time, end_time = excluded.end_time,"
        " timezone = excluded.timezone, active = excluded.active, since = excluded.since",
        (
            window.id,
            window.agent_id,
            window.start_time,
            window.end_time,
            window.timezone,
            int(window.active),
            optional_us(window.since_at),
        ),
    )


def remove(db: sqlite3.Connection, window_id: str) -> None:
    """Remove a window with what is known of its edges."""
    db.execute("DELETE FROM sleep_windows WHERE id = ?", (window_id,))


def note(db: sqlite3.Connection, tick: Tick, outcome: TickOutcome, agents: int, *, now: datetime) -> bool:
    """Write down that an edge is dealt with; False if it was before, and nothing may be done about it."""
    noted = db.execute(
        "INSERT OR IGNORE INTO schedule_ticks (window_id, edge, local_date, due_at, ticked_at, outcome, agents)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            tick.night.window_id,
            tick.edge,
            tick.night.date.isoformat(),
            to_us(tick.at),
            to_us(now),
            outcome,
            agents,
        ),
    )
    return noted.rowcount == 1


def noted(db: sqlite3.Connection, window_id: str, *, since: datetime) -> list[LoggedTick]:
    """Edges of a window that were due since then and are dealt with, oldest first."""
    rows = db.execute(
        "SELECT * FROM schedule_ticks WHERE window_id = ? AND due_at >= ? ORDER BY due_at, edge",
        (window_id, to_us(since)),
    )
    return [
        LoggedTick(
            row["window_id"],
            Edge(row["edge"]),
            date.fromisoformat(row["local_date"]),
            from_us(row["due_at"]),
            from_us(row["ticked_at"]),
            TickOutcome(row["outcome"]),
            row["agents"],
        )
        for row in rows
    ]


def forget_from(db: sqlite3.Connection, window_id: str, day: date) -> None:
    """Let the edges of nights from that date on come again, after their times were changed."""
    db.execute("DELETE FROM schedule_ticks WHERE window_id = ? AND local_date >= ?", (window_id, day.isoformat()))


def forget_old(db: sqlite3.Connection, *, now: datetime) -> None:
    """Remove what is too old to matter."""
    db.execute("DELETE FROM schedule_ticks WHERE due_at < ?", (to_us(now - KEPT_FOR),))


def naps_of(db: sqlite3.Connection, window_id: str, *, since: datetime) -> list[Wakeup]:
    """The naps that a window has asked for since then, by age."""
    rows = db.execute(
        f"SELECT {WAKEUP_COLUMNS} FROM wakeup_requests WHERE {NAPS} AND created_at >= :since ORDER BY seq",
        {"key": nap_key(window_id), "since": to_us(since)},
    )
    return [wakeup_of(row) for row in rows]


def cancel_naps(db: sqlite3.Connection, window_id: str, *, now: datetime) -> int:
    """Cancel the naps of a window that nobody has begun; how many there were."""
    cancelled = db.execute(
        "UPDATE wakeup_requests SET status = 'cancelled', finished_at = :now,"
        " last_error = coalesce(last_error || '; ', '') || 'its sleep window is over'"
        f" WHERE {NAPS} AND status = 'pending'",
        {"key": nap_key(window_id), "now": to_us(now)},
    )
    return cancelled.rowcount


def nap_key(window_id: str) -> str:
    """How the idempotency keys of a window's naps begin."""
    return f"schedule:{window_id}:{Edge.NAP}:"


def last_wake(db: sqlite3.Connection, agent_id: str, *, since: datetime) -> Wakeup | None:
    """The latest wakeup that has brought the agent up since then; None if none has."""
    rows = db.execute(
        f"SELECT {WAKEUP_COLUMNS} FROM wakeup_requests WHERE agent_id = ? AND {CLOSED} AND +status = 'completed'"
        " AND finished_at >= ? AND action = 'wake' ORDER BY finished_at DESC LIMIT 50",
        (agent_id, to_us(since)),
    )
    wakes = (wakeup_of(row) for row in rows)
    return next((one for one in wakes if one.result and one.result.get("resumed")), None)


def last_sleep(db: sqlite3.Connection, agent_id: str) -> tuple[datetime, str] | None:
    """When an agent last fell asleep, and what was said about it."""
    row = db.execute(
        "SELECT at, text FROM events WHERE agent_id = ? AND kind = 'agent.sleeping' ORDER BY seq DESC LIMIT 1",
        (agent_id,),
    ).fetchone()
    return None if row is None else (from_us(row["at"]), row["text"])


def _window(row: sqlite3.Row) -> SleepWindow:
    return SleepWindow(
        row["id"],
        row["agent_id"],
        row["start_time"],
        row["end_time"],
        row["timezone"],
        bool(row["active"]),
        optional_time(row["since"]),
    )
