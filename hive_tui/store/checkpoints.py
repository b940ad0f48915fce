"""The catalog of checkpoints."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, Defect, ValidationError
from hive_tui.domain.errors import NotFound
from hive_tui.store.values import from_json, from_us, optional_time, optional_us, to_json, to_us

COLUMNS = (
    "id, agent_id, generation, created_at, path, sha256, size_bytes, is_valid, validation_errors, validated_at,"
    " reason, session_id, took_us, summary"
)


def add(db: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Enter a checkpoint as generation 0 of its agent; the others grow one generation older."""
    db.execute("UPDATE checkpoints SET generation = generation + 1 WHERE agent_id = ?", (checkpoint.agent_id,))
    db.execute(
        f"INSERT INTO checkpoints ({COLUMNS}) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            checkpoint.id,
            checkpoint.agent_id,
            to_us(checkpoint.created_at),
            checkpoint.path,
            checkpoint.sha256,
            checkpoint.size_bytes,
            int(checkpoint.is_valid),
            _errors_json(checkpoint.validation_errors),
            optional_us(checkpoint.validated_at),
            checkpoint.reason,
            checkpoint.session_id,
            int(checkpoint.took_s * 1_000_000),
            to_json(dict(checkpoint.summary)),
        ),
    )


def get(db: sqlite3.Connection, checkpoint_id: str) -> Checkpoint:
    """The checkpoint with that id, or with an id that begins like that.

    Raises:
        NotFound: There is none, or several begin like that.
    """
    rows = db.execute(
        f"SELECT {COLUMNS} FROM checkpoints WHERE id = :id OR (length(:id) >= 6 AND substr(id, 1, length(:id)) = :id)",
        {"id": checkpoint_id},
    ).fetchall()
    if len(rows) != 1:
        what = "Several checkpoints begin with" if rows else "There is no checkpoint"
        raise NotFound(f"{what} {checkpoint_id!r}.", hint="`hive-tui checkpoints` lists them.")
    return _checkpoint(rows[0])


def of_agent(db: sqlite3.Connection, agent_id: str) -> list[Checkpoint]:
    """All checkpoints of the agent, newest first."""
    rows = db.execute(f"SELECT {COLUMNS} FROM checkpoints WHERE agent_id = ? ORDER BY generation", (agent_id,))
    return [_checkpoint(row) for row in rows]


def everything(db: sqlite3.Connection) -> list[Checkpoint]:
    """The whole catalog, newest first."""
    rows = db.execute(f"SELECT {COLUMNS} FROM checkpoints ORDER BY created_at DESC")
    return [_checkpoint(row) for row in rows]


def newest_by_agent(db: sqlite3.Connection) -> dict[str, Checkpoint]:
    """Generation 0 of every agent that has one."""
    rows = db.execute(f"SELECT {COLUMNS} FROM checkpoints WHERE generation = 0")
    return {row["agent_id"]: _checkpoint(row) for row in rows}


def generation(db: sqlite3.Connection, agent_id: str, number: int) -> Checkpoint:
    """Generation `number` of the agent, 0 being the newest.

    Raises:
        NotFound: It has not that many.
    """
    row = db.execute(
        f"SELECT {COLUMNS} FROM checkpoints WHERE agent_id = ? AND generation = ?", (agent_id, number)
    ).fetchone()
    if row is None:
        count = db.execute("SELECT count(*) FROM checkpoints WHERE agent_id = ?", (agent_id,)).fetchone()[0]
        hint = f"Its generations go from 0 to {count - 1}." if count else "Take a checkpoint first."
        raise NotFound(f"The agent has no generation {number}.", hint=hint)
    return _checkpoint(row)


def set_validity(
    db: sqlite3.Connection, checkpoint_id: str, errors: Sequence[ValidationError], *, now: datetime
) -> None:
    """Record what a validation found."""
    db.execute(
        "UPDATE checkpoints SET is_valid = ?, validation_errors = ?, validated_at = ? WHERE id = ?",
        (int(not errors), _errors_json(errors), to_us(now), checkpoint_id),
    )


def _errors_json(errors: Sequence[ValidationError]) -> str:
    return to_json([error.to_json() for error in errors])


def _checkpoint(row: sqlite3.Row) -> Checkpoint:
    return Checkpoint(
        id=row["id"],
        agent_id=row["agent_id"],
        generation=row["generation"],
        created_at=from_us(row["created_at"]),
        path=row["path"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        is_valid=bool(row["is_valid"]),
        reason=CheckpointReason(row["reason"]),
        validation_errors=tuple(
            ValidationError(Defect(error["kind"]), error["detail"], error["member"])
            for error in from_json(row["validation_errors"])
        ),
        validated_at=optional_time(row["validated_at"]),
        session_id=row["session_id"],
        took_s=row["took_us"] / 1_000_000,
        summary=from_json(row["summary"]),
    )
