"""Decisions about what woken agents start with, and the conversations that they left behind."""

import sqlite3
from datetime import datetime

from hive_tui.domain.handoffs import ContextMode, Handoff
from hive_tui.store.values import from_us, optional_time, path_from_text, path_to_text, sentence_to_text, to_us

COLUMNS = "wakeup_id, agent_id, mode, why, made_at, text, previous_session, previous_transcript, started_at"


def add(db: sqlite3.Connection, handoff: Handoff) -> Handoff:
    """Enter a decision; one that was made before for the same wakeup stands."""
    db.execute(
        f"INSERT INTO handoffs ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (wakeup_id) DO NOTHING",
        (
            handoff.wakeup_id,
            handoff.agent_id,
            str(handoff.mode),
            handoff.why,
            to_us(handoff.made_at),
            sentence_to_text(handoff.text),
            handoff.previous_session,
            path_to_text(handoff.previous_transcript),
        ),
    )
    found = of_wakeup(db, handoff.wakeup_id)
    assert found is not None
    return found


def of_wakeup(db: sqlite3.Connection, wakeup_id: str) -> Handoff | None:
    """What was decided for the wakeup."""
    row = db.execute(f"SELECT {COLUMNS} FROM handoffs WHERE wakeup_id = ?", (wakeup_id,)).fetchone()
    return _handoff(row) if row else None


def started(db: sqlite3.Connection, wakeup_id: str, *, now: datetime) -> None:
    """The new conversation is there."""
    db.execute("UPDATE handoffs SET started_at = ? WHERE wakeup_id = ?", (to_us(now), wakeup_id))


def of_agent(db: sqlite3.Connection, agent_id: str, *, limit: int = 50) -> list[Handoff]:
    """The agent's handoffs that came about or were begun, newest first."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM handoffs WHERE agent_id = ? AND mode = 'handoff' ORDER BY made_at DESC LIMIT ?",
        (agent_id, limit),
    )
    return [_handoff(row) for row in rows]


def unfinished(db: sqlite3.Connection, agent_id: str) -> Handoff | None:
    """The newest handoff of the agent, if it was begun and its conversation never came."""
    newest = next(iter(of_agent(db, agent_id, limit=1)), None)
    return newest if newest is not None and newest.started_at is None else None


def _handoff(row: sqlite3.Row) -> Handoff:
    return Handoff(
        row["wakeup_id"],
        row["agent_id"],
        ContextMode(row["mode"]),
        row["why"],
        from_us(row["made_at"]),
        row["text"],
        row["previous_session"],
        path_from_text(row["previous_transcript"]),
        optional_time(row["started_at"]),
    )
