"""Claims: take due wakeups under a lease, and say how each attempt ended.

A claim token fences off a worker that slept through its lease: each of the
finishing functions returns False then, and the caller must drop its result.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain.errors import ErrorClass
from hive_tui.domain.wakeups import PRIORITY, Outcome, Trigger, Wakeup
from hive_tui.store import stats
from hive_tui.store.values import sentence_to_text, to_json, to_us
from hive_tui.store.wakeups import COLUMNS, LEVELS, absorb_other, get, wakeup_of

LEASE = timedelta(seconds=60)

# One index seek for each distinct priority, however long the queue is and however many rows lie in the
# future; the plain `ORDER BY priority DESC, scheduled_for` walks all future rows of higher priorities.
# `INDEXED BY`: the index of the few that run; by itself SQLite scans one of all that ever were.
PICK = f"""{LEVELS}    SELECT (SELECT seq FROM wakeup_requests
             WHERE status = 'pending' AND priority = level.priority AND scheduled_for <= :now
               AND agent_id NOT IN (SELECT agent_id FROM wakeup_requests INDEXED BY ix_wakeups_lease
                                 WHERE status = 'processing')
             ORDER BY scheduled_for, seq LIMIT 1) AS seq
      FROM level WHERE seq IS NOT NULL LIMIT 1
"""

CLAIM = f"""
    UPDATE wakeup_requests
       SET status = 'processing', attempts = attempts + 1, claim_token = claim_token + 1, claimed_by = :by,
           lease_until = :lease_until, started_at = coalesce(started_at, :now)
     WHERE seq = :seq
 RETURNING {COLUMNS}
"""


def claim_due(db: sqlite3.Connection, *, by: str, now: datetime, limit: int) -> list[Wakeup]:
    """Take up to `limit` due wakeups, most urgent first, one an agent; each begins an attempt."""
    claimed: list[Wakeup] = []
    while len(claimed) < limit:
        row = db.execute(PICK, {"now": to_us(now)}).fetchone()
        if row is None:
            break
        claimed.append(_claim(db, row["seq"], by, now))
    return claimed


def claim_one(db: sqlite3.Connection, wakeup_id: str, *, by: str, now: datetime) -> Wakeup | None:
    """Take this wakeup if it is pending and due."""
    row = db.execute(
        "SELECT seq FROM wakeup_requests WHERE id = ? AND status = 'pending' AND scheduled_for <= ?",
        (wakeup_id, to_us(now)),
    ).fetchone()
    return None if row is None else _claim(db, row["seq"], by, now)


def _claim(db: sqlite3.Connection, seq: int, by: str, now: datetime) -> Wakeup:
    row = db.execute(CLAIM, {"seq": seq, "by": by, "now": to_us(now), "lease_until": to_us(now + LEASE)}).fetchone()
    claimed = wakeup_of(row)
    db.execute(
        # As a value, and not `INSERT ... SELECT`, which keeps what it reads from its own table aside first.
        "INSERT INTO wakeup_attempts (wakeup_id, number, started_at) VALUES (:id,"
        " (SELECT coalesce(max(number), 0) + 1 FROM wakeup_attempts WHERE wakeup_id = :id), :now)",
        {"id": claimed.id, "now": to_us(now)},
    )
    return claimed


def renew(db: sqlite3.Connection, claimed: list[Wakeup], *, now: datetime) -> None:
    """Extend the leases of wakeups that are being worked on."""
    db.executemany(
        "UPDATE wakeup_requests SET lease_until = ? WHERE id = ? AND claim_token = ? AND status = 'processing'",
        [(to_us(now + LEASE), wakeup.id, wakeup.claim_token) for wakeup in claimed],
    )


def complete(
    db: sqlite3.Connection,
    claimed: Wakeup,
    *,
    now: datetime,
    verdict: str,
    result: Mapping[str, Any],
    outcome: Outcome = Outcome.SUCCEEDED,
) -> bool:
    """The attempt did what was asked for."""
    finished = db.execute(
        "UPDATE wakeup_requests SET status = 'completed', finished_at = ?, lease_until = NULL, last_error = NULL,"
        " result = ? WHERE id = ? AND claim_token = ? AND status = 'processing'",
        (to_us(now), to_json(dict(result)), claimed.id, claimed.claim_token),
    )
    return finished.rowcount == 1 and _end_attempt(db, claimed, outcome, now, verdict=verdict)


def fail(
    db: sqlite3.Connection,
    claimed: Wakeup,
    *,
    now: datetime,
    error: str,
    next_at: datetime | None,
    verdict: str | None = None,
    outcome: Outcome = Outcome.FAILED,
    result: Mapping[str, Any] | None = None,
    error_class: ErrorClass = ErrorClass.TRANSIENT,
) -> bool:
    """The attempt failed: back to pending until `next_at`, or failed for good if that is None.

    Back in the queue it takes another wake that was asked for meanwhile into it.
    """
    changed = db.execute(
        "UPDATE wakeup_requests SET status = :status, scheduled_for = coalesce(:next_at, scheduled_for),"
        " finished_at = :finished_at, lease_until = NULL, last_error = :error, result = :result"
        " WHERE id = :id AND claim_token = :token AND status = 'processing'",
        {
            "status": "failed" if next_at is None else "pending",
            "next_at": None if next_at is None else to_us(next_at),
            "finished_at": to_us(now) if next_at is None else None,
            "error": sentence_to_text(error),
            "result": None if result is None else to_json(dict(result)),
            "id": claimed.id,
            "token": claimed.claim_token,
        },
    )
    if changed.rowcount == 0:
        return False
    if next_at is not None:
        stats.count(db, claimed.trigger, stats.RETRIED, now=now)
        absorb_other(db, claimed.id, now=now)
    return _end_attempt(
        db, claimed, outcome, now, verdict=verdict, error=error, next_at=next_at, error_class=error_class
    )


def hand_back(db: sqlite3.Connection, claimed: Wakeup) -> None:
    """Make a wakeup what it was before a person's request became one with it; for that person is asked back.

    What was to be said stays in it. The attempt that made nothing of it is one more that it may make.
    """
    others = sorted(claimed.triggers - {Trigger.MANUAL}, key=lambda one: (-PRIORITY[one], one))
    db.execute(
        'UPDATE wakeup_requests SET "trigger" = ?, also = ?, max_attempts = max_attempts + 1'
        " WHERE id = ? AND claim_token = ? AND status = 'processing'",
        (others[0], ",".join(others[1:]), claimed.id, claimed.claim_token),
    )


def defer(
    db: sqlite3.Connection, claimed: Wakeup, *, now: datetime, until: datetime, verdict: str, reason: str
) -> bool:
    """Put it back without counting an attempt, due again at `until`."""
    changed = db.execute(
        "UPDATE wakeup_requests SET status = 'pending', attempts = attempts - 1, lease_until = NULL,"
        " scheduled_for = ?, last_error = ? WHERE id = ? AND claim_token = ? AND status = 'processing'",
        (to_us(until), sentence_to_text(reason), claimed.id, claimed.claim_token),
    )
    if changed.rowcount == 0:
        return False
    stats.count(db, claimed.trigger, stats.DEFERRED, now=now)
    _end_attempt(db, claimed, Outcome.DEFERRED, now, verdict=verdict, next_at=until)
    absorb_other(db, claimed.id, now=now)
    _join_deferrals(db, claimed.id)
    return True


def _join_deferrals(db: sqlite3.Connection, wakeup_id: str) -> None:
    """Two deferrals in a row for the same reason become one: a switch may defer a wake for days."""
    rows = db.execute(
        "SELECT number, outcome, verdict, finished_at, next_at FROM wakeup_attempts"
        " WHERE wakeup_id = ? ORDER BY number DESC LIMIT 2",
        (wakeup_id,),
    ).fetchall()
    if len(rows) < 2 or (rows[0]["outcome"], rows[0]["verdict"]) != (rows[1]["outcome"], rows[1]["verdict"]):
        return
    last, first = rows
    db.execute("DELETE FROM wakeup_attempts WHERE wakeup_id = ? AND number = ?", (wakeup_id, last["number"]))
    db.execute(
        "UPDATE wakeup_attempts SET finished_at = ?, next_at = ? WHERE wakeup_id = ? AND number = ?",
        (last["finished_at"], last["next_at"], wakeup_id, first["number"]),
    )


def recover_orphans(
    db: sqlite3.Connection,
    *,
    now: datetime,
    next_at: Callable[[Wakeup], datetime | None],
    only_expired: bool,
    but: Collection[str] = (),
) -> list[Wakeup]:
    """End the attempts of workers that died; returns the wakeups as they are afterwards.

    Args:
        db: The database.
        now: Aware UTC.
        next_at: When to try again after the attempt that was interrupted; None to give up.
        only_expired: Spare those whose lease still runs. Without it every claim counts
            as orphaned, which the holder of the heartbeat's lock may assume at its start.
        but: Ids that are known to run, whatever their lease says.
    """
    rows = db.execute(
        f"SELECT {COLUMNS} FROM wakeup_requests"
        " WHERE status = 'processing' AND (NOT :only_expired OR lease_until <= :now)",
        {"now": to_us(now), "only_expired": only_expired},
    ).fetchall()
    orphans = [one for one in map(wakeup_of, rows) if one.id not in but]
    for orphan in orphans:
        again_at = next_at(orphan)
        fail(
            db,
            orphan,
            now=now,
            error="interrupted: the hive-tui that worked on it ended",
            next_at=again_at,
            outcome=Outcome.INTERRUPTED,
        )
    return [get(db, orphan.id) for orphan in orphans]


def _end_attempt(
    db: sqlite3.Connection,
    claimed: Wakeup,
    outcome: Outcome,
    now: datetime,
    *,
    verdict: str | None = None,
    error: str | None = None,
    next_at: datetime | None = None,
    error_class: ErrorClass | None = None,
) -> bool:
    ended = db.execute(
        "UPDATE wakeup_attempts SET finished_at = ?, outcome = ?, verdict = ?, error = ?, next_at = ?, error_class = ?"
        " WHERE wakeup_id = ? AND finished_at IS NULL",
        (
            to_us(now),
            outcome,
            verdict,
            sentence_to_text(error),
            None if next_at is None else to_us(next_at),
            error_class,
            claimed.id,
        ),
    )
    return ended.rowcount == 1
