"""Append and read: events, and operations that are under way."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from hive_tui.domain.events import Actor, ActorKind, Event, EventKind, Severity
from hive_tui.store.values import from_json, from_us, sentence_to_text, to_json, to_us


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with its place in the log."""

    seq: int
    at: datetime
    event: Event


def log(db: sqlite3.Connection, event: Event, *, now: datetime) -> None:
    """Append an event."""
    db.execute(
        "INSERT INTO events (at, kind, severity, agent_id, actor_kind, actor, text, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            to_us(now),
            event.kind,
            event.severity,
            event.agent_id,
            event.actor.kind,
            event.actor.name,
            sentence_to_text(event.text),
            to_json(dict(event.payload)),
        ),
    )


def events(
    db: sqlite3.Connection, *, agent_id: str | None = None, after_seq: int = 0, limit: int = 100
) -> list[LoggedEvent]:
    """The newest events with a number above `after_seq`, oldest first."""
    rows = db.execute(
        "SELECT * FROM (SELECT * FROM events WHERE seq > :seq AND (:agent IS NULL OR agent_id = :agent)"
        " ORDER BY seq DESC LIMIT :limit) ORDER BY seq",
        {"seq": after_seq, "agent": agent_id, "limit": limit},
    )
    return [
        LoggedEvent(
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
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Operation:
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
