"""The wakeup queue: put in, look up, change. Claiming and finishing is in `claims`."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import ErrorClass, NotFound
from hive_tui.domain.wakeups import (
    NOISY,
    RESETS,
    UNFINISHED,
    Action,
    Attempt,
    NewWakeup,
    Outcome,
    Trigger,
    Wakeup,
    WakeupStatus,
    is_actionable,
    merged_context,
)
from hive_tui.store import keys, stats
from hive_tui.store.values import from_json, from_us, in_utc, optional_time, to_json, to_us

COLUMNS = (
    'id, agent_id, action, "trigger", priority, status, scheduled_for, attempts, max_attempts, idempotency_key,'
    " context, claim_token, created_at, lease_until, started_at, finished_at, last_error, result, also, asked_at"
)

OPEN, CLOSED = "(finished_at IS NULL) = 1", "(finished_at IS NULL) = 0"
"""Of one agent, both are found by the index `ix_wakeups_agent`, whose words these are."""
WAITING = f"agent_id = ? AND {OPEN} AND action = 'wake' AND status = 'pending'"
"""The wake that an agent has pending."""
IS_WAITING = f"SELECT 1 FROM wakeup_requests WHERE {WAITING} LIMIT 1"
"""Asked first: there rarely is one, and the description of twenty columns takes as long as the search."""
LEVELS = """
    WITH RECURSIVE level (priority) AS (
        SELECT max(priority) FROM wakeup_requests WHERE status = 'pending'
        UNION ALL
        SELECT (SELECT max(priority) FROM wakeup_requests WHERE status = 'pending' AND priority < level.priority)
          FROM level WHERE level.priority IS NOT NULL
    )
"""
"""The priorities of what is pending, highest first, and NULL: one seek each, however long the queue is."""
NEXT_DUE = f"""{LEVELS}
    SELECT min((SELECT min(scheduled_for) FROM wakeup_requests
                 WHERE status = 'pending' AND priority = level.priority)) FROM level
"""

ENDED = ("completed", "failed", "cancelled")
LEAST_OF_ID = 6
"""So many letters of an id are enough to name a wakeup."""


MERGED_INTO = "merged_into"
"""Key of the result of a wakeup that was cancelled because another one does what it was for: that one's id."""


class Enqueued(Struct, frozen=True):
    """The row that stands for a request, and whether it is a new one."""

    wakeup: Wakeup
    is_new: bool
    note: str = ""
    """Why no new row was made."""


def enqueue(db: sqlite3.Connection, new: NewWakeup, wakeup_id: str, *, now: datetime) -> Enqueued:
    """Ask for a wakeup; a repeated request, or one for an agent that already has one pending, makes no second row.

    A second wake of the same agent raises the priority, merges the contexts, and
    moves the time earlier only if no attempt was made yet or a person asks: a
    storm of requests must not get around the backoff.
    """
    known = keys.holder(db, new.idempotency_key, now=now) if new.idempotency_key is not None else None
    if known is not None:
        stats.count(db, new.trigger, stats.REPEATED, now=now)
        return _repeated(get(db, known[0]), known[1], now)
    is_wake = new.action is Action.WAKE
    if is_wake and db.execute(IS_WAITING, (new.agent_id,)).fetchone() is not None:
        (waiting,) = select(db, f"{WAITING} LIMIT 1", new.agent_id)
        keys.note(db, new, waiting.id, now=now)
        stats.count(db, new.trigger, stats.MERGED, now=now)
        merged = _merge(db, waiting, new, now)
        return Enqueued(merged, is_new=False, note="the agent already has a wake pending")
    inserted = _insert(db, new, wakeup_id, now)
    keys.note(db, new, wakeup_id, now=now)
    return Enqueued(inserted, is_new=True)


def _insert(db: sqlite3.Connection, new: NewWakeup, wakeup_id: str, now: datetime) -> Wakeup:
    """The row, made of what went in: `RETURNING` would cost half as much again."""
    priority, context = new.given_priority, to_json(dict(new.context))
    also = tuple(sorted(set(new.also) - {new.trigger}))
    # SQLite takes plain text at once, and asks around for what else a `StrEnum` may want to become.
    what = (wakeup_id, new.agent_id, new.action.value, new.trigger.value, priority)
    db.execute(
        'INSERT INTO wakeup_requests (id, agent_id, action, "trigger", priority, scheduled_for, max_attempts,'
        " idempotency_key, context, created_at, also) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*what, to_us(new.scheduled_for), new.max_attempts, new.idempotency_key, context, to_us(now), ",".join(also)),
    )
    asked = (in_utc(new.scheduled_for), 0, new.max_attempts, new.idempotency_key, from_json(context))
    whose = (wakeup_id, new.agent_id, new.action, new.trigger, priority)
    return Wakeup(*whose, WakeupStatus.PENDING, *asked, claim_token=0, created_at=in_utc(now), also=also)


def _repeated(known: Wakeup, is_under_way: bool, now: datetime) -> Enqueued:
    if is_under_way:
        return Enqueued(known, is_new=False, note="a request with this key is already under way")
    ago = in_words(now - (known.finished_at or known.created_at))
    return Enqueued(known, is_new=False, note=f"a request with this key was {known.status} {ago} ago")


def _merge(db: sqlite3.Connection, waiting: Wakeup, new: NewWakeup, now: datetime) -> Wakeup:
    asked = {new.trigger, *new.also}
    by_person = Trigger.MANUAL in asked
    may_move = by_person or _may_move_earlier(db, waiting, new, now)
    scheduled_for = min(waiting.scheduled_for, new.scheduled_for) if may_move else waiting.scheduled_for
    trigger = Trigger.MANUAL if by_person else waiting.trigger
    also = sorted((waiting.triggers | asked) - {trigger})
    db.execute(
        'UPDATE wakeup_requests SET priority = ?, scheduled_for = ?, context = ?, "trigger" = ?, also = ?,'
        " asked_at = ? WHERE id = ?",
        (
            max(waiting.priority, new.given_priority),
            to_us(scheduled_for),
            to_json(merged_context(waiting.context, new.context, is_noisy=new.trigger in NOISY)),
            trigger,
            ",".join(also),
            to_us(now),
            waiting.id,
        ),
    )
    return get(db, waiting.id)


def _may_move_earlier(db: sqlite3.Connection, waiting: Wakeup, new: NewWakeup, now: datetime) -> bool:
    """Whether a request that no person made may have the pending wake of its agent before its time."""
    if waiting.attempts > 0:
        return False
    if new.trigger in RESETS and waiting.is_by_person:
        return False  # who has set a timer has said when
    if new.trigger in NOISY and _was_deferred(db, waiting.id):
        return False  # the gate has said when to come back, and each of a storm would ask it again
    asked = Wakeup(
        "", new.agent_id, new.action, new.trigger, 0, WakeupStatus.PENDING, now, 0, 0, None, new.context, 0, now
    )
    tasks = has_open_tasks(db, new.agent_id)
    # What the gate would skip must not take the wake of a timer with it.
    return is_actionable(asked, has_open_tasks=tasks) or not is_actionable(waiting, has_open_tasks=tasks)


def has_open_tasks(db: sqlite3.Connection, agent_id: str) -> bool:
    """Whether a task of the agent is open or under way."""
    sql = "SELECT 1 FROM tasks WHERE agent_id = ? AND status IN ('open', 'doing') LIMIT 1"
    return db.execute(sql, (agent_id,)).fetchone() is not None


def _was_deferred(db: sqlite3.Connection, wakeup_id: str) -> bool:
    sql = "SELECT 1 FROM wakeup_attempts WHERE wakeup_id = ? AND outcome = 'deferred' LIMIT 1"
    return db.execute(sql, (wakeup_id,)).fetchone() is not None


def absorb_other(db: sqlite3.Connection, wakeup_id: str, *, now: datetime) -> None:
    """Keep it at one pending wake an agent, after this one has come back to the queue.

    Another one that was asked for meanwhile is cancelled, and this one does what both were for; a
    person's request is due when that person asked for it. `MERGED_INTO` in the result says where it went.
    """
    kept = get(db, wakeup_id)
    other = _one(db, f"{WAITING} AND id <> ?", kept.agent_id, kept.id)
    if kept.action is not Action.WAKE or kept.status is not WakeupStatus.PENDING or other is None:
        return
    trigger = Trigger.MANUAL if other.is_by_person else other.trigger
    _merge(
        db,
        kept,
        NewWakeup(
            other.agent_id,
            trigger,
            other.scheduled_for,
            priority=other.priority,
            context=other.context,
            also=tuple(other.triggers),
        ),
        other.asked_at,
    )
    db.execute(
        "UPDATE wakeup_requests SET status = 'cancelled', finished_at = ?, last_error = ?, result = ? WHERE id = ?",
        (to_us(now), f"became one with the wake {kept.id[:8]}", to_json({MERGED_INTO: kept.id}), other.id),
    )
    keys.move(db, other.id, kept.id)


def get(db: sqlite3.Connection, wakeup_id: str) -> Wakeup:
    """The wakeup with that id, or with an id that begins like that.

    Raises:
        NotFound: There is none, or several begin like that.
    """
    select = f"SELECT {COLUMNS} FROM wakeup_requests WHERE"
    rows = db.execute(f"{select} id = ?", (wakeup_id,)).fetchall()
    if not rows and len(wakeup_id) >= LEAST_OF_ID:
        # By the index, in any number of finished rows; a `~` comes after all that ids are made of.
        rows = db.execute(f"{select} id > :id AND id < :id || '~' LIMIT 2", {"id": wakeup_id}).fetchall()
    if len(rows) != 1:
        what = "Several wakeups begin with" if rows else "There is no wakeup"
        raise NotFound(f"{what} {wakeup_id!r}.", hint="`hive-tui queue` lists them.")
    return wakeup_of(rows[0])


def standing_for(db: sqlite3.Connection, wakeup_id: str) -> Wakeup:
    """The wakeup, or the one that does by now what it was for.

    Raises:
        NotFound: There is none with that id.
    """
    found = get(db, wakeup_id)
    merged_into = (found.result or {}).get(MERGED_INTO)
    return standing_for(db, str(merged_into)) if merged_into else found


def recent(db: sqlite3.Connection, *, limit: int = 200) -> list[Wakeup]:
    """Unfinished wakeups in the order they would be claimed, then the finished ones, newest first."""
    found: list[Wakeup] = []
    for read in (running, pending, ended):
        if len(found) < limit:
            found += read(db, limit - len(found))
    return found


def running(db: sqlite3.Connection, limit: int) -> list[Wakeup]:
    """What is worked on, the longest first."""
    return select(db, "status = 'processing' ORDER BY lease_until, seq LIMIT ?", limit)


def pending(db: sqlite3.Connection, limit: int) -> list[Wakeup]:
    """What waits, the next to be claimed first."""
    return select(db, "status = 'pending' ORDER BY priority DESC, scheduled_for, seq LIMIT ?", limit)


def ended(db: sqlite3.Connection, limit: int, statuses: Sequence[str] = ENDED) -> list[Wakeup]:
    """What has ended in one of these ways, newest first. Reads no more than the limit of each."""
    where = "status = ? AND finished_at IS NOT NULL ORDER BY finished_at DESC, seq DESC LIMIT ?"
    found = [wakeup for status in statuses for wakeup in select(db, where, status, limit)]
    return newest_first(found)[:limit]


def newest_first(found: list[Wakeup]) -> list[Wakeup]:
    """Wakeups that have ended, the latest first."""
    return sorted(found, key=lambda one: one.finished_at or one.created_at, reverse=True)


def attempts_of(db: sqlite3.Connection, wakeup_id: str) -> list[Attempt]:
    """The attempts of one wakeup, first to last."""
    rows = db.execute("SELECT * FROM wakeup_attempts WHERE wakeup_id = ? ORDER BY number", (wakeup_id,))
    return [
        Attempt(
            row["wakeup_id"],
            row["number"],
            from_us(row["started_at"]),
            optional_time(row["finished_at"]),
            Outcome(row["outcome"]) if row["outcome"] else None,
            row["verdict"],
            row["error"],
            optional_time(row["next_at"]),
            ErrorClass(row["error_class"]) if row["error_class"] else None,
        )
        for row in rows
    ]


def unfinished_wakes(db: sqlite3.Connection, agent_id: str) -> list[Wakeup]:
    """Wakes of the agent that are pending or processing."""
    where = f"agent_id = ? AND {OPEN} AND action = 'wake' AND status IN ('pending', 'processing')"
    return select(db, f"{where} ORDER BY scheduled_for, seq", agent_id)


def next_wake_times(db: sqlite3.Connection) -> dict[str, datetime]:
    """When the next wake of each agent that has one is due."""
    rows = db.execute(
        f"SELECT id, (SELECT min(scheduled_for) FROM wakeup_requests WHERE agent_id = agents.id AND {OPEN}"
        " AND action = 'wake' AND status IN ('pending', 'processing')) FROM agents WHERE forgotten_at IS NULL"
    )
    return {agent_id: from_us(due) for agent_id, due in rows if due is not None}


def next_due_at(db: sqlite3.Connection) -> datetime | None:
    """When the next pending wakeup is due; None if there is none."""
    return optional_time(db.execute(NEXT_DUE).fetchone()[0])


def depth(db: sqlite3.Connection) -> int:
    """How many wakeups are unfinished."""
    counts = stats.by_status(db)
    return sum(counts.get(status, 0) for status in UNFINISHED)


def cancel(db: sqlite3.Connection, wakeup_id: str, *, now: datetime) -> bool:
    """Cancel a pending wakeup for good; False if it runs or has ended."""
    changed = db.execute(
        "UPDATE wakeup_requests SET status = 'cancelled', finished_at = ? WHERE id = ? AND status = 'pending'",
        (to_us(now), wakeup_id),
    )
    return changed.rowcount == 1


def retry_now(db: sqlite3.Connection, wakeup_id: str, *, now: datetime, more_attempts: int = 5) -> bool:
    """Make a pending or failed wakeup due now, because a person asks; a failed one gets more attempts.

    A failed wake takes another one that waits for the same agent into it. False if
    it runs or is done with, or if a request with its key has taken its place.
    """
    found = _one(db, "id = ? AND status IN ('pending', 'failed')", wakeup_id)
    if found is None or keys.is_taken(db, found.id, found.idempotency_key):
        return False
    also = sorted((found.triggers | {Trigger.MANUAL}) - {found.trigger})
    db.execute(
        "UPDATE wakeup_requests SET status = 'pending', scheduled_for = :now, finished_at = NULL, also = :also,"
        " max_attempts = CASE WHEN status = 'failed' THEN attempts + :more ELSE max_attempts END WHERE id = :id",
        {"id": found.id, "now": to_us(now), "more": more_attempts, "also": ",".join(also)},
    )
    keys.take_back(db, found.id, found.idempotency_key)
    absorb_other(db, found.id, now=now)
    return True


def postpone(db: sqlite3.Connection, wakeup_id: str, until: datetime) -> bool:
    """Move a pending wakeup to another time; False if it runs or has ended."""
    changed = db.execute(
        "UPDATE wakeup_requests SET scheduled_for = ? WHERE id = ? AND status = 'pending'", (to_us(until), wakeup_id)
    )
    return changed.rowcount == 1


def set_priority(db: sqlite3.Connection, wakeup_id: str, priority: int) -> bool:
    """Give a pending wakeup another priority, 0 to 100; False if it runs or has ended."""
    changed = db.execute(
        "UPDATE wakeup_requests SET priority = ? WHERE id = ? AND status = 'pending'", (priority, wakeup_id)
    )
    return changed.rowcount == 1


def set_context(db: sqlite3.Connection, wakeup_id: str, context: Mapping[str, Any]) -> None:
    """Replace what a pending wakeup is to say and to know."""
    db.execute(
        "UPDATE wakeup_requests SET context = ? WHERE id = ? AND status = 'pending'",
        (to_json(dict(context)), wakeup_id),
    )


def select(db: sqlite3.Connection, condition: str, *values: object) -> list[Wakeup]:
    """The wakeups that an SQL condition, with its order and limit, is about."""
    return [wakeup_of(row) for row in db.execute(f"SELECT {COLUMNS} FROM wakeup_requests WHERE {condition}", values)]


def _one(db: sqlite3.Connection, condition: str, *values: object) -> Wakeup | None:
    return next(iter(select(db, f"{condition} LIMIT 1", *values)), None)


def wakeup_of(row: sqlite3.Row) -> Wakeup:
    """The wakeup that a row with `COLUMNS` stands for."""
    context: Mapping[str, Any] = from_json(row["context"])
    return Wakeup(
        id=row["id"],
        agent_id=row["agent_id"],
        action=Action(row["action"]),
        trigger=Trigger(row["trigger"]),
        priority=row["priority"],
        status=WakeupStatus(row["status"]),
        scheduled_for=from_us(row["scheduled_for"]),
        attempts=row["attempts"],
        max_attempts=row["max_attempts"],
        idempotency_key=row["idempotency_key"],
        context=context,
        claim_token=row["claim_token"],
        created_at=from_us(row["created_at"]),
        lease_until=optional_time(row["lease_until"]),
        started_at=optional_time(row["started_at"]),
        finished_at=optional_time(row["finished_at"]),
        last_error=row["last_error"],
        result=from_json(row["result"]) if row["result"] else None,
        also=tuple(Trigger(name) for name in row["also"].split(",") if name),
        last_asked_at=optional_time(row["asked_at"]),
    )
