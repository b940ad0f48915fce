"""The catalog of checkpoints."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, Defect, ValidationError
from hive_tui.domain.errors import NotFound
from hive_tui.store.values import from_json, from_us, optional_time, optional_us, to_json, to_us

COLUMNS = (
    "id, agent_id, generation, created_at, path, sha256, size_bytes, is_valid, validation_errors, validated_at,"
    " reason, session_id, took_us, summary, new_bytes, proven_at, proven_note, drilled_at, is_local, imported_at"
)


def add(db: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Enter a checkpoint as generation 0 of its agent; the others grow one generation older."""
    _insert(db, checkpoint, 0)


def insert_by_age(db: sqlite3.Connection, checkpoint: Checkpoint) -> int:
    """Enter a checkpoint that was taken at another time among the others; the generation that it became."""
    newer = db.execute(
        "SELECT max(generation) AS last FROM checkpoints WHERE agent_id = ? AND created_at > ?",
        (checkpoint.agent_id, to_us(checkpoint.created_at)),
    ).fetchone()["last"]
    place = 0 if newer is None else int(newer) + 1
    _insert(db, checkpoint, place)
    return place


def remove(db: sqlite3.Connection, checkpoint_id: str) -> None:
    """Take a checkpoint out of the catalog; those that are older move up by one generation."""
    row = db.execute("SELECT agent_id, generation FROM checkpoints WHERE id = ?", (checkpoint_id,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM checkpoints WHERE id = ?", (checkpoint_id,))
    db.execute(
        "UPDATE checkpoints SET generation = generation - 1 WHERE agent_id = ? AND generation > ?",
        (row["agent_id"], row["generation"]),
    )


def is_dispensable(db: sqlite3.Connection, checkpoint_id: str) -> bool:
    """Whether a newer good one is there, no wake starts from it, and nothing is under way with its agent."""
    row = db.execute(
        "SELECT 1 FROM checkpoints AS one WHERE id = :id"
        " AND EXISTS (SELECT 1 FROM checkpoints WHERE agent_id = one.agent_id AND is_valid"
        " AND generation < one.generation)"
        " AND NOT EXISTS (SELECT 1 FROM agents WHERE checkpoint_id = :id AND forgotten_at IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM operations WHERE agent_id = one.agent_id)",
        {"id": checkpoint_id},
    ).fetchone()
    return row is not None


def newest_id(db: sqlite3.Connection) -> str:
    """Id of the checkpoint that was entered last, of whatever agent; empty if there is none."""
    row = db.execute("SELECT id FROM checkpoints ORDER BY rowid DESC LIMIT 1").fetchone()
    return "" if row is None else str(row["id"])


def _insert(db: sqlite3.Connection, checkpoint: Checkpoint, place: int) -> None:
    db.execute(
        "UPDATE checkpoints SET generation = generation + 1 WHERE agent_id = ? AND generation >= ?",
        (checkpoint.agent_id, place),
    )
    values = _values(checkpoint) | {"generation": place}
    names = ", ".join(f":{name}" for name in values)
    db.execute(f"INSERT INTO checkpoints ({', '.join(values)}) VALUES ({names})", values)


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


def note(db: sqlite3.Connection, checkpoint_id: str, name: str, value: object) -> None:
    """Keep a fact in the summary of a checkpoint; one that is not there has no summary to keep it in."""
    row = db.execute("SELECT summary FROM checkpoints WHERE id = ?", (checkpoint_id,)).fetchone()
    if row is not None:
        summary = to_json({**from_json(row["summary"]), name: value})
        db.execute("UPDATE checkpoints SET summary = ? WHERE id = ?", (summary, checkpoint_id))


def set_validity(
    db: sqlite3.Connection, checkpoint_id: str, errors: Sequence[ValidationError], *, now: datetime
) -> None:
    """Record what a validation found."""
    db.execute(
        "UPDATE checkpoints SET is_valid = ?, validation_errors = ?, validated_at = ? WHERE id = ?",
        (int(not errors), _errors_json(errors), to_us(now), checkpoint_id),
    )


def set_drilled(db: sqlite3.Connection, checkpoint_id: str, note: str, *, proven: bool, now: datetime) -> None:
    """Record what a restore drill found; an earlier proof is not taken back by a drill that could not be held."""
    db.execute(
        "UPDATE checkpoints SET drilled_at = :now, proven_note = :note,"
        " proven_at = CASE WHEN :proven THEN :now ELSE proven_at END WHERE id = :id",
        {"now": to_us(now), "note": note, "proven": int(proven), "id": checkpoint_id},
    )


def withdraw_proof(db: sqlite3.Connection, checkpoint_id: str) -> None:
    """A drill has shown that it does not restore."""
    db.execute("UPDATE checkpoints SET proven_at = NULL WHERE id = ?", (checkpoint_id,))


def set_local(db: sqlite3.Connection, checkpoint_id: str, is_local: bool) -> None:
    """Record whether the file is to be found here."""
    db.execute("UPDATE checkpoints SET is_local = ? WHERE id = ?", (int(is_local), checkpoint_id))


def move(db: sqlite3.Connection, checkpoint_id: str, path: str) -> None:
    """Record that the file lies elsewhere now."""
    db.execute("UPDATE checkpoints SET path = ?, is_local = 1 WHERE id = ?", (path, checkpoint_id))


def knows_agent(db: sqlite3.Connection, agent_id: str) -> bool:
    """Whether checkpoints can be entered for the agent, be it forgotten or not."""
    return db.execute("SELECT 1 FROM agents WHERE id = ?", (agent_id,)).fetchone() is not None


def with_hash(db: sqlite3.Connection, sha256: str) -> Checkpoint | None:
    """A checkpoint whose file has this hash."""
    row = db.execute(f"SELECT {COLUMNS} FROM checkpoints WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone()
    return None if row is None else _checkpoint(row)


def _values(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "id": checkpoint.id,
        "agent_id": checkpoint.agent_id,
        "generation": checkpoint.generation,
        "created_at": to_us(checkpoint.created_at),
        "path": checkpoint.path,
        "sha256": checkpoint.sha256,
        "size_bytes": checkpoint.size_bytes,
        "is_valid": int(checkpoint.is_valid),
        "validation_errors": _errors_json(checkpoint.validation_errors),
        "validated_at": optional_us(checkpoint.validated_at),
        "reason": checkpoint.reason,
        "session_id": checkpoint.session_id,
        "took_us": int(checkpoint.took_s * 1_000_000),
        "summary": to_json(dict(checkpoint.summary)),
        "new_bytes": checkpoint.new_bytes,
        "proven_at": optional_us(checkpoint.proven_at),
        "proven_note": checkpoint.proven_note,
        "drilled_at": optional_us(checkpoint.drilled_at),
        "is_local": int(checkpoint.is_local),
        "imported_at": optional_us(checkpoint.imported_at),
    }


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
        new_bytes=row["new_bytes"],
        proven_at=optional_time(row["proven_at"]),
        proven_note=row["proven_note"],
        drilled_at=optional_time(row["drilled_at"]),
        is_local=bool(row["is_local"]),
        imported_at=optional_time(row["imported_at"]),
    )
