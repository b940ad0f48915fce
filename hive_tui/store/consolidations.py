"""Stages of the work on conversations, each with its own row and result."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hive_tui.domain.consolidation import BUILT_IN, Stage, StageRun, StageStatus, Used
from hive_tui.domain.errors import ErrorClass
from hive_tui.store.values import from_json, from_us, optional_time, optional_us, sentence_to_text, to_json, to_us

COLUMNS = (
    "seq, agent_id, source, stage, status, attempts, due_at, started_at, finished_at, error, result, cpu_us,"
    " allotted_us, progress"
)
KEPT = 200
"""So many rows of an agent are kept."""


def enter(
    db: sqlite3.Connection, agent_id: str, source: str, *, now: datetime, stages: Sequence[Stage] = BUILT_IN
) -> bool:
    """Enter the stages for a state of a conversation; False if they are there already.

    Stages of an older state that were not begun are skipped.
    """
    first = db.execute(
        "SELECT 1 FROM consolidations WHERE agent_id = ? AND source = ? LIMIT 1", (agent_id, source)
    ).fetchone()
    if first is not None:
        return False
    db.execute(
        "UPDATE consolidations SET status = 'skipped', finished_at = ? WHERE agent_id = ? AND status = 'pending'",
        (to_us(now), agent_id),
    )
    for stage in stages:
        db.execute(
            "INSERT INTO consolidations (agent_id, source, stage, due_at) VALUES (?, ?, ?, ?)",
            (agent_id, source, str(stage), to_us(now)),
        )
    db.execute(
        "DELETE FROM consolidations WHERE agent_id = ? AND seq <= (SELECT max(seq) FROM consolidations) - ?"
        " AND status NOT IN ('pending', 'running')",
        (agent_id, KEPT * len(Stage)),
    )
    return True


def enter_again(db: sqlite3.Connection, agent_id: str, source: str, stage: Stage, *, now: datetime) -> None:
    """Enter one stage for a state of a conversation whose others are there; one that has ended begins anew."""
    db.execute(
        "INSERT INTO consolidations (agent_id, source, stage, due_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (agent_id, source, stage) DO UPDATE SET status = 'pending', attempts = 0,"
        " due_at = excluded.due_at"
        " WHERE status NOT IN ('pending', 'running')",
        (agent_id, source, str(stage), to_us(now)),
    )


def due(db: sqlite3.Connection, *, now: datetime) -> list[StageRun]:
    """Stages whose time has come and whose earlier ones have ended, the oldest first.

    Indexing does not wait for the ledger, so an agent can have two. Nothing waits for vectors but more of them, and
    they do not wait for the shortened prose.
    """
    rows = db.execute(
        f"SELECT {COLUMNS} FROM consolidations AS one WHERE status = 'pending' AND due_at <= ? AND NOT EXISTS"
        " (SELECT 1 FROM consolidations AS other WHERE other.agent_id = one.agent_id AND other.seq < one.seq"
        " AND other.status IN ('pending', 'running') AND NOT (one.stage = 'index' AND other.stage = 'compress'"
        " AND other.source = one.source) AND NOT (one.stage = 'vectors' AND other.stage = 'prose')"
        " AND NOT (one.stage <> 'vectors' AND other.stage = 'vectors')) ORDER BY due_at, seq",
        (to_us(now),),
    )
    return [_run(row) for row in rows]


def begin(db: sqlite3.Connection, run_id: int, *, now: datetime) -> None:
    """An attempt begins."""
    db.execute(
        "UPDATE consolidations SET status = 'running', attempts = attempts + 1, started_at = ?, progress = 0"
        " WHERE seq = ?",
        (to_us(now), run_id),
    )


def note_progress(db: sqlite3.Connection, run_id: int, progress: float) -> None:
    """So much of a running stage is done: 0 to 1."""
    db.execute("UPDATE consolidations SET progress = ? WHERE seq = ? AND status = 'running'", (progress, run_id))


def put_off(db: sqlite3.Connection, run_id: int, why: str, *, until: datetime) -> None:
    """It is not begun before then; that is no attempt."""
    db.execute(
        "UPDATE consolidations SET due_at = ?, error = ? WHERE seq = ? AND status = 'pending'",
        (to_us(until), sentence_to_text(why), run_id),
    )


def go_on(
    db: sqlite3.Connection, run_id: int, used: Used, *, now: datetime, until: datetime, result: Mapping[str, Any]
) -> None:
    """An attempt has done a part of it, so it was no failure; the rest is done from then on."""
    end(db, run_id, StageStatus.PENDING, used, now=now, result=result, due_at=until)
    db.execute("UPDATE consolidations SET attempts = 0 WHERE seq = ?", (run_id,))


def end(
    db: sqlite3.Connection,
    run_id: int,
    status: StageStatus,
    used: Used,
    *,
    now: datetime,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
    error_class: ErrorClass | None = None,
    due_at: datetime | None = None,
) -> None:
    """An attempt has ended; CPU adds up over the attempts."""
    db.execute(
        "UPDATE consolidations SET status = :status, finished_at = :now, error = :error, error_class = :class,"
        " result = :result, cpu_us = cpu_us + :cpu, allotted_us = allotted_us + :allotted,"
        " due_at = coalesce(:due, due_at),"
        " progress = CASE :status WHEN 'done' THEN 1.0 ELSE progress END"
        " WHERE seq = :id",
        {
            "id": run_id,
            "status": str(status),
            "now": to_us(now),
            "error": sentence_to_text(error),
            "class": error_class,
            "result": to_json(dict(result or {})),
            "cpu": round(used.cpu_s * 1e6),
            "allotted": round(used.allotted_s * 1e6),
            "due": optional_us(due_at),
        },
    )


def running(db: sqlite3.Connection) -> list[StageRun]:
    """The attempts that are under way."""
    return [_run(row) for row in db.execute(f"SELECT {COLUMNS} FROM consolidations WHERE status = 'running'")]


def is_any_running(db: sqlite3.Connection) -> bool:
    """Whether an attempt is under way, or was when its process died."""
    return db.execute("SELECT 1 FROM consolidations WHERE status = 'running' LIMIT 1").fetchone() is not None


def reset_running(db: sqlite3.Connection) -> int:
    """Attempts whose process died go back; the caller holds the lock, so none runs."""
    return db.execute(
        "UPDATE consolidations SET status = 'pending', error_class = NULL WHERE status = 'running'"
    ).rowcount


def of_agent(db: sqlite3.Connection, agent_id: str, *, source: str | None = None, limit: int = 40) -> list[StageRun]:
    """The newest stages of an agent, of one state of its conversation if that is named, in their order."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM consolidations WHERE agent_id = ? AND (?2 IS NULL OR source = ?2)"
        " ORDER BY seq DESC LIMIT ?3",
        (agent_id, source, limit),
    ).fetchall()
    return [_run(row) for row in reversed(rows)]


def totals(db: sqlite3.Connection) -> dict[str, Any]:
    """Runs by stage and status, and CPU used against allotted, for metrics."""
    rows = db.execute(
        "SELECT stage, status, count(*), sum(cpu_us), sum(allotted_us) FROM consolidations GROUP BY stage, status"
    ).fetchall()
    runs = {f"{row[0]}.{row[1]}": int(row[2]) for row in rows}
    return {
        "runs": runs,
        "cpu_s": sum(row[3] or 0 for row in rows) / 1e6,
        "allotted_s": sum(row[4] or 0 for row in rows) / 1e6,
    }


def _run(row: sqlite3.Row) -> StageRun:
    return StageRun(
        row["seq"],
        row["agent_id"],
        row["source"],
        Stage(row["stage"]),
        StageStatus(row["status"]),
        row["attempts"],
        from_us(row["due_at"]),
        optional_time(row["started_at"]),
        optional_time(row["finished_at"]),
        row["error"],
        from_json(row["result"]),
        row["cpu_us"] / 1e6,
        row["allotted_us"] / 1e6,
        row["progress"],
    )
