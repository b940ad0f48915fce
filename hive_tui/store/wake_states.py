"""What the gate remembers of each agent: its circuit breaker, and when it was last woken."""

import sqlite3
from datetime import datetime, timedelta

from hive_tui.domain.breaker import Breaker, BreakerPolicy, after_failure, after_success
from hive_tui.domain.wakeups import Wakeup
from hive_tui.store.values import from_us, optional_time, optional_us, to_json, to_us
from hive_tui.store.wakeups import CLOSED


def breaker(db: sqlite3.Connection, agent_id: str) -> Breaker:
    """The breaker of an agent; a closed one, if nothing is known."""
    row = db.execute("SELECT failures, trips, open_until FROM wake_states WHERE agent_id = ?", (agent_id,)).fetchone()
    return Breaker() if row is None else Breaker(row["failures"], row["trips"], optional_time(row["open_until"]))


def woken_at(db: sqlite3.Connection, agent_id: str) -> datetime | None:
    """When the agent was last woken; None if that is not known."""
    row = db.execute("SELECT woken_at FROM wake_states WHERE agent_id = ?", (agent_id,)).fetchone()
    return None if row is None else optional_time(row["woken_at"])


def failed(db: sqlite3.Connection, agent_id: str, policy: BreakerPolicy, *, now: datetime) -> Breaker:
    """Another attempt to wake the agent has failed; the breaker as it is now."""
    after = after_failure(breaker(db, agent_id), now, policy)
    _put(db, agent_id, after)
    return after


def succeeded(db: sqlite3.Connection, agent_id: str, *, now: datetime | None = None) -> None:
    """The agent runs; `now`, if it was woken for that."""
    _put(db, agent_id, after_success())
    if now is not None:
        db.execute("UPDATE wake_states SET woken_at = ? WHERE agent_id = ?", (to_us(now), agent_id))


def repeats(db: sqlite3.Connection, wakeup: Wakeup, within: timedelta, *, now: datetime) -> str:
    """Id of a wakeup by the same trigger and with the same context that woke the agent so recently; empty for none."""
    row = db.execute(
        f"SELECT id FROM wakeup_requests WHERE agent_id = ? AND {CLOSED} AND +status = 'completed'"
        " AND finished_at > ? AND finished_at <= ? AND action = 'wake' AND \"trigger\" = ? AND context = ?"
        " AND json_extract(result, '$.resumed') = 1 ORDER BY finished_at DESC LIMIT 1",
        (wakeup.agent_id, to_us(now - within), to_us(now), wakeup.trigger, to_json(dict(wakeup.context))),
    ).fetchone()
    return "" if row is None else str(row["id"])


def after_limits(db: sqlite3.Connection, *, since: datetime) -> tuple[datetime, ...]:
    """When agents were woken because their usage limit was over, and by no person, the first one first."""
    rows = db.execute(
        "SELECT finished_at FROM wakeup_requests WHERE status = 'completed' AND finished_at > ? AND action = 'wake'"
        " AND \"trigger\" = 'limit_reset' AND json_extract(result, '$.resumed') = 1 ORDER BY finished_at",
        (to_us(since),),
    )
    return tuple(from_us(row[0]) for row in rows)


def was_deferred_by(db: sqlite3.Connection, wakeup_id: str, rule: str) -> bool:
    """Whether that rule of the gate has put the wakeup off before."""
    row = db.execute(
        "SELECT 1 FROM wakeup_attempts WHERE wakeup_id = ? AND outcome = 'deferred' AND verdict LIKE ? LIMIT 1",
        (wakeup_id, f"defer: {rule}:%"),
    ).fetchone()
    return row is not None


def _put(db: sqlite3.Connection, agent_id: str, state: Breaker) -> None:
    db.execute(
        "INSERT INTO wake_states (agent_id, failures, trips, open_until) VALUES (?, ?, ?, ?) ON CONFLICT (agent_id)"
        " DO UPDATE SET failures = excluded.failures, trips = excluded.trips, open_until = excluded.open_until",
        (agent_id, state.failures, state.trips, optional_us(state.open_until)),
    )
