"""Copies of checkpoints in a second place."""

import sqlite3
from datetime import datetime

from hive_tui.domain.offsite import CopyState, OffsiteCopy
from hive_tui.store.values import optional_time, optional_us, sentence_to_text, to_us


def put(db: sqlite3.Connection, copy: OffsiteCopy, *, now: datetime) -> None:
    """Enter a copy, or write down how far it is."""
    values = {
        "checkpoint_id": copy.checkpoint_id,
        "destination": copy.destination,
        "name": copy.name,
        "state": copy.state,
        "sha256": copy.sha256,
        "size_bytes": copy.size_bytes,
        "is_encrypted": int(copy.is_encrypted),
        "attempts": copy.attempts,
        "next_try_at": optional_us(copy.next_try_at),
        "error": sentence_to_text(copy.error),
        "verified_at": optional_us(copy.verified_at),
        "updated_at": to_us(now),
    }
    names = ", ".join(f":{name}" for name in values)
    db.execute(f"INSERT OR REPLACE INTO offsite_copies ({', '.join(values)}) VALUES ({names})", values)


def get(db: sqlite3.Connection, checkpoint_id: str) -> OffsiteCopy | None:
    """The copy of a checkpoint; None if there never was one."""
    row = db.execute("SELECT * FROM offsite_copies WHERE checkpoint_id = ?", (checkpoint_id,)).fetchone()
    return None if row is None else _copy(row)


def by_checkpoint(db: sqlite3.Connection) -> dict[str, OffsiteCopy]:
    """All copies, those too that are to be removed."""
    return {row["checkpoint_id"]: _copy(row) for row in db.execute("SELECT * FROM offsite_copies")}


def due(db: sqlite3.Connection, destination: str, *, now: datetime) -> OffsiteCopy | None:
    """The copy to be sent or removed now; what failed least goes first, and the newest checkpoint of those."""
    row = db.execute(
        "SELECT offsite_copies.* FROM offsite_copies LEFT JOIN checkpoints ON checkpoints.id = checkpoint_id"
        " WHERE destination = ? AND next_try_at <= ? AND state <> ?"
        " ORDER BY attempts, created_at DESC, checkpoint_id LIMIT 1",
        (destination, to_us(now), CopyState.VERIFIED),
    ).fetchone()
    return None if row is None else _copy(row)


def due_again(
    db: sqlite3.Connection, destination: str, *, before: datetime | None, now: datetime
) -> OffsiteCopy | None:
    """The good copy to be read again now: one that is asked for, else the one that was verified longest ago.

    Args:
        destination: Where it lies.
        before: It is due if it was verified then or earlier; None: only one that is asked for is.
        now: Aware UTC.
    """
    row = db.execute(
        "SELECT * FROM offsite_copies WHERE destination = ? AND state = ?"
        " AND CASE WHEN next_try_at IS NULL THEN verified_at <= ? ELSE next_try_at <= ? END"
        " ORDER BY next_try_at IS NULL, verified_at, checkpoint_id LIMIT 1",
        (destination, CopyState.VERIFIED, optional_us(before), to_us(now)),
    ).fetchone()
    return None if row is None else _copy(row)


def ask_again(db: sqlite3.Connection, destination: str, *, now: datetime) -> None:
    """All good copies are to be read again now."""
    db.execute(
        "UPDATE offsite_copies SET next_try_at = ? WHERE destination = ? AND state = ?",
        (to_us(now), destination, CopyState.VERIFIED),
    )


def missing(db: sqlite3.Connection, destination: str) -> list[str]:
    """Ids of good checkpoints that have no copy at that destination, nor one on the way."""
    rows = db.execute(
        "SELECT id FROM checkpoints WHERE is_valid AND is_local"
        " AND id NOT IN (SELECT checkpoint_id FROM offsite_copies WHERE destination = ?)",
        (destination,),
    )
    return [row["id"] for row in rows]


def hurry(db: sqlite3.Connection, destination: str, *, now: datetime) -> None:
    """What waits for another try is due now."""
    db.execute(
        "UPDATE offsite_copies SET next_try_at = ? WHERE destination = ? AND next_try_at IS NOT NULL",
        (to_us(now), destination),
    )


def start_again(db: sqlite3.Connection, destination: str, *, now: datetime) -> None:
    """Nothing of what was sent there counts any more, but for checkpoints that are nowhere else."""
    db.execute(
        "UPDATE offsite_copies SET state = 'pending', attempts = 0, next_try_at = ? WHERE destination = ?"
        " AND checkpoint_id IN (SELECT id FROM checkpoints WHERE is_local)",
        (to_us(now), destination),
    )


def let_go(db: sqlite3.Connection, checkpoint_id: str, *, now: datetime) -> None:
    """Its checkpoint goes from the catalog: remove the copy as well, or forget it where nothing was sent."""
    db.execute("DELETE FROM offsite_copies WHERE checkpoint_id = ? AND sha256 IS NULL", (checkpoint_id,))
    db.execute(
        "UPDATE offsite_copies SET state = ?, attempts = 0, next_try_at = ?, updated_at = ? WHERE checkpoint_id = ?",
        (CopyState.REMOVING, to_us(now), to_us(now), checkpoint_id),
    )


def forget(db: sqlite3.Connection, checkpoint_id: str) -> None:
    """The copy is not there any more."""
    db.execute("DELETE FROM offsite_copies WHERE checkpoint_id = ?", (checkpoint_id,))


def _copy(row: sqlite3.Row) -> OffsiteCopy:
    return OffsiteCopy(
        checkpoint_id=row["checkpoint_id"],
        destination=row["destination"],
        name=row["name"],
        state=CopyState(row["state"]),
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        is_encrypted=bool(row["is_encrypted"]),
        attempts=row["attempts"],
        next_try_at=optional_time(row["next_try_at"]),
        error=row["error"],
        verified_at=optional_time(row["verified_at"]),
    )
