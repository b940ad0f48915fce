"""Budgets of agents, and what was told and done about them."""

import sqlite3
from datetime import date, datetime

from hive_tui.domain.budget import Budget, BudgetMode
from hive_tui.store.values import from_us, to_us

EVERYONE = ""
"""In place of an agent's id: the budget of each agent that has none of its own."""
WARNED, EXCEEDED, NAPPED = "warned", "exceeded", "napped"


def put(db: sqlite3.Connection, agent_id: str, budget: Budget, *, now: datetime) -> None:
    """Set the budget of an agent, or of `EVERYONE`. What is to be told of it is told anew."""
    db.execute(
        "INSERT OR REPLACE INTO budgets (agent_id, tokens_per_day, mode, updated_at) VALUES (?, ?, ?, ?)",
        (agent_id, budget.tokens_per_day, budget.mode, to_us(now)),
    )
    _forget_marks(db, agent_id)


def remove(db: sqlite3.Connection, agent_id: str) -> bool:
    """Take a budget away; False if there was none."""
    _forget_marks(db, agent_id)
    return db.execute("DELETE FROM budgets WHERE agent_id = ?", (agent_id,)).rowcount == 1


def _forget_marks(db: sqlite3.Connection, agent_id: str) -> None:
    db.execute("DELETE FROM budget_marks WHERE level <> ? AND (? = '' OR agent_id = ?)", (NAPPED, agent_id, agent_id))


def everything(db: sqlite3.Connection) -> dict[str, Budget]:
    """All budgets, by agent id."""
    rows = db.execute("SELECT agent_id, tokens_per_day, mode FROM budgets")
    return {row["agent_id"]: Budget(row["tokens_per_day"], BudgetMode(row["mode"])) for row in rows}


def are_any(db: sqlite3.Connection) -> bool:
    """Whether there is a budget, or an agent was put to sleep for one that may be gone by now."""
    known = "SELECT EXISTS (SELECT 1 FROM budgets) OR EXISTS (SELECT 1 FROM budget_marks WHERE level = ?)"
    return bool(db.execute(known, (NAPPED,)).fetchone()[0])


def mark(db: sqlite3.Connection, agent_id: str, day: date, level: str, *, now: datetime) -> bool:
    """Note that this was told or done; False if it was noted before."""
    added = db.execute(
        "INSERT OR IGNORE INTO budget_marks (agent_id, day, level, at) VALUES (?, ?, ?, ?)",
        (agent_id, day.isoformat(), level, to_us(now)),
    )
    return added.rowcount == 1


def note_nap(db: sqlite3.Connection, agent_id: str, day: date, *, now: datetime) -> None:
    """Note that an agent is put to sleep for its budget of that day."""
    db.execute(
        "INSERT OR REPLACE INTO budget_marks (agent_id, day, level, at) VALUES (?, ?, ?, ?)",
        (agent_id, day.isoformat(), NAPPED, to_us(now)),
    )


def napped(db: sqlite3.Connection, day: date) -> set[str]:
    """Agents that were put to sleep on that day for the budget that they have now.

    Not those whose nap was begun and came to nothing, as when hive-tui ended meanwhile.
    """
    rows = db.execute(
        "SELECT mark.agent_id FROM budget_marks AS mark JOIN budgets ON budgets.agent_id ="
        " coalesce((SELECT own.agent_id FROM budgets AS own WHERE own.agent_id = mark.agent_id), '')"
        " WHERE mark.day = ? AND mark.level = ? AND mark.at >= budgets.updated_at AND EXISTS (SELECT 1 FROM events"
        " WHERE events.agent_id = mark.agent_id AND events.kind = 'agent.sleeping' AND events.at >= mark.at)",
        (day.isoformat(), NAPPED),
    )
    return {row[0] for row in rows}


def unmark(db: sqlite3.Connection, agent_id: str, day: date, level: str) -> None:
    """It was not done after all."""
    db.execute("DELETE FROM budget_marks WHERE agent_id = ? AND day = ? AND level = ?", (agent_id, str(day), level))


def naps(db: sqlite3.Connection) -> dict[str, tuple[date, datetime]]:
    """For each agent that was put to sleep for its budget: the last day whose budget it was, and when."""
    rows = db.execute("SELECT agent_id, day, at FROM budget_marks WHERE level = ? ORDER BY day", (NAPPED,))
    return {row["agent_id"]: (date.fromisoformat(row["day"]), from_us(row["at"])) for row in rows}
