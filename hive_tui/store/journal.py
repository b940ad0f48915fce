"""Append and read: events, and operations that are under way."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from hive_tui.domain.events import Actor, ActorKind, Event, EventKind, Severity
from hive_tui.store.values import from_json, from_us, sentence_to_text, to_json, to_us

MARK_EVERY = 64
IS_MARK = f"seq % {MARK_EVERY} = 0"
MARKS = f"INDEXED BY ix_events_marks WHERE {IS_MARK}"
"""Every 64th event is in an index by time: one of all of them would be one page more in each commit."""


class LoggedEvent(Struct, frozen=True):
    """An event with its place in the log."""

    seq: int
    at: datetime
    event: Event

    def to_json(self) -> dict[str, Any]:
        """For `--json`, and for whoever streams events on; fields may grow and never change."""
        return {
            "seq": self.seq,
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "kind": str(self.event.kind),
            "severity": str(self.event.severity),
            "agent_id": self.event.agent_id,
            "actor": self.event.actor.name,
            "actor_kind": str(self.event.actor.kind),
            "text": self.event.text,
            "payload": dict(self.event.payload),
        }


def log(db: sqlite3.Connection, event: Event, *, now: datetime) -> None:
    """Append an event."""
    db.execute(
        "INSERT INTO events (at, kind, severity, agent_id, actor_kind, actor, text, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            to_us(now),
            event.kind.value,
            event.severity.value,
            event.agent_id,
            event.actor.kind.value,
            event.actor.name,
            sentence_to_text(event.text),
            to_json(dict(event.payload)),
        ),
    )


def was_logged(db: sqlite3.Connection, agent_id: str, kind: EventKind, field: str, value: str) -> bool:
    """Whether an event of that kind about the agent says that, as far as the log is kept.

    Args:
        field: A key of its payload.
        value: What stands under it.
    """
    row = db.execute(
        "SELECT 1 FROM events WHERE agent_id = ? AND kind = ? AND json_extract(payload, '$.' || ?) = ? LIMIT 1",
        (agent_id, kind.value, field, value),
    ).fetchone()
    return row is not None


class Wanted(Struct, frozen=True):
    """Which events a reader wants."""

    agent_id: str | None = None
    kinds: tuple[str, ...] = ()
    """Names, or patterns like `wakeup.*`; empty for every kind."""


EVERYTHING = Wanted()


def events(
    db: sqlite3.Connection,
    *,
    agent_id: str | None = None,
    after_seq: int = 0,
    limit: int = 100,
    kinds: tuple[str, ...] = (),
) -> list[LoggedEvent]:
    """The newest events with a number above `after_seq`, oldest first."""
    condition, values = _condition(Wanted(agent_id, kinds))
    rows = db.execute(
        f"SELECT * FROM (SELECT * FROM events WHERE seq > :after {condition} ORDER BY seq DESC LIMIT :limit)"
        " ORDER BY seq",
        {**values, "after": after_seq, "limit": limit},
    )
    return [_logged(row) for row in rows]


def events_after(
    db: sqlite3.Connection, seq: int, *, wanted: Wanted = EVERYTHING, limit: int = 200
) -> tuple[list[LoggedEvent], int]:
    """The next events with a number above `seq`, oldest first, and the number to go on from.

    Whoever goes on from there misses none and gets none twice: one connection at a time writes,
    so numbers are committed in their order.
    """
    newest = last_seq(db)
    condition, values = _condition(wanted)
    rows = db.execute(
        f"SELECT * FROM events WHERE seq > :after {condition} ORDER BY seq LIMIT :limit",
        {**values, "after": seq, "limit": limit},
    )
    found = [_logged(row) for row in rows]
    return found, found[-1].seq if len(found) == limit else max(newest, seq)


def last_seq(db: sqlite3.Connection) -> int:
    """The number of the newest event; 0 if there is none."""
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])


def first_seq(db: sqlite3.Connection) -> int:
    """The number of the oldest event that is kept; 1 if there is none yet."""
    return int(db.execute("SELECT coalesce(min(seq), 1) FROM events").fetchone()[0])


def seq_before(db: sqlite3.Connection, at: datetime) -> int:
    """The number after which the events since `at` begin.

    Where the clock was set back meanwhile, they begin with the first one that says so late a time; that may be
    passed over where fewer than 64 events do.
    """
    since = to_us(at)
    marked = db.execute(f"SELECT min(seq) FROM events {MARKS} AND at >= ?", (since,)).fetchone()[0]
    # Every 64th event is in the index: the first one is behind the mark before, or behind the last one of all.
    last = db.execute(f"SELECT coalesce(max(seq), 0) FROM events WHERE {IS_MARK}").fetchone()[0]
    after = last if marked is None else marked - MARK_EVERY
    first = db.execute("SELECT min(seq) FROM events WHERE seq > ? AND at >= ?", (after, since)).fetchone()[0]
    return last_seq(db) if first is None else int(first) - 1


def purge_events(db: sqlite3.Connection, *, before: datetime, limit: int = 500) -> int:
    """Remove up to `limit` events that are older; how many. The newest one always stays.

    Without it numbers would begin anew, and readers that remember one would miss what comes then.
    """
    old = to_us(before)
    marked = db.execute(f"SELECT min(seq) FROM events {MARKS} AND at < ?", (old,)).fetchone()[0]
    # Younger ones come first where the clock was set back; the last old ones may have no mark behind them.
    first = first_seq(db) if marked is None else marked - MARK_EVERY + 1
    gone = db.execute(
        "DELETE FROM events WHERE seq IN (SELECT seq FROM events"
        " WHERE seq BETWEEN :first AND :first + :limit + :marks AND at < :before ORDER BY seq LIMIT :limit)"
        " AND seq < (SELECT max(seq) FROM events)",
        {"before": old, "limit": limit, "first": first, "marks": MARK_EVERY},
    )
    return gone.rowcount


def _condition(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    condition, values = "", {}
    if wanted.agent_id is not None:
        condition, values = "AND agent_id = :agent", {"agent": wanted.agent_id}
    if wanted.kinds:
        named = {f"kind{at}": kind for at, kind in enumerate(wanted.kinds)}
        condition += f" AND ({' OR '.join(f'kind GLOB :{name}' for name in named)})"
        values |= named
    return condition, values


def _logged(row: sqlite3.Row) -> LoggedEvent:
    return LoggedEvent(
        row["seq"],
        from_us(row["at"]),
        Event(
            EventKind(row["kind"]),
            row["text"],
            row["agent_id"],
            Actor(ActorKind(row["actor_kind"]), row["actor"]),
            Severity(row["severity"]),
            from_json(row["payload"]),
        ),
    )


class Operation(Struct, frozen=True):
    """A nap, wake or restore that is under way, or was when its process died."""

    agent_id: str
    kind: str
    step: str
    state: Mapping[str, Any]
    started_at: datetime
    updated_at: datetime


def begin(
    db: sqlite3.Connection, agent_id: str, kind: str, state: Mapping[str, Any] = MappingProxyType({}), *, now: datetime
) -> None:
    """Open the journal of an operation; the caller holds the agent's lock, so an older entry is void."""
    db.execute(
        "INSERT OR REPLACE INTO operations (agent_id, kind, step, state, started_at, updated_at)"
        " VALUES (?, ?, 'begun', ?, ?, ?)",
        (agent_id, kind, to_json(dict(state)), to_us(now), to_us(now)),
    )


def advance(
    db: sqlite3.Connection, agent_id: str, step: str, state: Mapping[str, Any] = MappingProxyType({}), *, now: datetime
) -> None:
    """Record that the operation has come to `step`, and add to its state."""
    db.execute(
        "UPDATE operations SET step = ?, state = json_patch(state, ?), updated_at = ? WHERE agent_id = ?",
        (step, to_json(dict(state)), to_us(now), agent_id),
    )


def end(db: sqlite3.Connection, agent_id: str) -> None:
    """Close the journal of the agent's operation."""
    db.execute("DELETE FROM operations WHERE agent_id = ?", (agent_id,))


def operations(db: sqlite3.Connection) -> list[Operation]:
    """All operations that have begun and not ended."""
    return [
        Operation(
            row["agent_id"],
            row["kind"],
            row["step"],
            from_json(row["state"]),
            from_us(row["started_at"]),
            from_us(row["updated_at"]),
        )
        for row in db.execute("SELECT * FROM operations ORDER BY started_at")
    ]
