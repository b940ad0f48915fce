"""The outbox of alerts: what is to be told, by which channel, and how that went."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hive_tui.domain.alerts import Message
from hive_tui.store.values import from_us, optional_time, to_us

KEPT = timedelta(days=30)
BATCH = 200
ALERT, ESCALATION = "alert", "escalation"


@dataclass(frozen=True, slots=True)
class Alert:
    """One row: one alert for one channel. Times are aware UTC."""

    message: Message
    seq: int
    channel: str
    agent_id: str | None
    due_at: datetime
    state: str
    """`pending`, `sent`, `failed` (given up) or `dropped` (not needed any more)."""
    attempts: int
    note: str
    """Proof of delivery, or why there is none."""
    finished_at: datetime | None
    acknowledged_at: datetime | None


def add(
    db: sqlite3.Connection, message: Message, *, seq: int, channel: str, agent_id: str | None, due_at: datetime
) -> bool:
    """Enter one; False if it is there already."""
    done = db.execute(
        "INSERT INTO alerts (id, seq, channel, purpose, class, kind, agent_id, agent, title, body, at, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            message.id,
            seq,
            channel,
            ESCALATION if message.is_escalation else ALERT,
            message.class_,
            message.kind,
            agent_id,
            message.agent,
            message.title,
            message.body,
            to_us(message.at),
            to_us(due_at),
        ),
    )
    return done.rowcount == 1


def told(db: sqlite3.Connection, message: Message, channel: str, since: datetime) -> list[str]:
    """What was logged where the same was entered for that channel since then, and was sent or waits."""
    rows = db.execute(
        "SELECT coalesce((SELECT text FROM events WHERE events.seq = alerts.seq), '')"
        " FROM alerts INDEXED BY ix_alerts_at WHERE at > ? AND channel = ? AND title = ? AND body = ?"
        " AND state IN ('pending', 'sent')",
        (to_us(since), channel, message.title, message.body),
    )
    return [str(row[0]) for row in rows]


def due(db: sqlite3.Connection, channel: str, *, now: datetime, limit: int = 50) -> list[Alert]:
    """What is to go out by that channel now, oldest first."""
    return _select(
        db,
        "state = 'pending' AND due_at <= ? AND channel = ? ORDER BY due_at, rowid LIMIT ?",
        to_us(now),
        channel,
        limit,
    )


def next_due_at(db: sqlite3.Connection) -> datetime | None:
    """When the next is due; None if none waits."""
    row = db.execute("SELECT min(due_at) FROM alerts WHERE state = 'pending'").fetchone()
    return optional_time(row[0])


def end(db: sqlite3.Connection, ids: Iterable[str], state: str, note: str, *, now: datetime) -> None:
    """They were sent, given up or dropped."""
    db.executemany(
        "UPDATE alerts SET state = ?, note = ?, finished_at = ?, attempts = attempts + (? != 'dropped') WHERE id = ?",
        [(state, note, to_us(now), state, one) for one in ids],
    )


def drop(db: sqlite3.Connection, alerts: Iterable["Alert"], *, now: datetime) -> None:
    """Nobody needs them any more."""
    end(db, [one.message.id for one in alerts], "dropped", "not needed any more", now=now)


def put_off(db: sqlite3.Connection, ids: Iterable[str], until: datetime, note: str) -> None:
    """An attempt failed, and there will be another."""
    db.executemany(
        "UPDATE alerts SET attempts = attempts + 1, due_at = ?, note = ? WHERE id = ?",
        [(to_us(until), note, one) for one in ids],
    )


def unanswered(db: sqlite3.Connection, *, before: datetime, since: datetime) -> list[Alert]:
    """Failures and calls that were tried to tell before then, and neither acknowledged nor sent on to a second channel.

    What could not be delivered at all is among them: of that, too, nobody knows.

    Args:
        db: The database.
        before: Told before then; for what is still tried, what happened before then.
        since: What happened before that is left alone.
    """
    return _select(
        db,
        "at > ? AND purpose = 'alert' AND class != 'warning' AND attempts > 0 AND state != 'dropped'"
        " AND CASE state WHEN 'pending' THEN at ELSE finished_at END <= ?"
        " AND acknowledged_at IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM alerts other WHERE other.seq = alerts.seq AND other.purpose = 'escalation')"
        " GROUP BY seq ORDER BY at, seq",
        to_us(since),
        to_us(before),
    )


def has_reaction(db: sqlite3.Connection, alert: Alert) -> bool:
    """Whether a person has done something since, with that agent or, where it is about none, with anything."""
    row = db.execute(
        "SELECT 1 FROM events WHERE seq > ? AND ((actor_kind = 'person' AND (agent_id = ? OR ? IS NULL))"
        " OR (kind = 'agent.wakeup' AND agent_id = ?)) LIMIT 1",
        (alert.seq, alert.agent_id, alert.agent_id, alert.agent_id),
    ).fetchone()
    return row is not None


def acknowledge(db: sqlite3.Connection, seqs: Iterable[int] | None, *, now: datetime) -> int:
    """A person has seen them (None for all); how many alerts that were."""
    if seqs is None:
        return db.execute("UPDATE alerts SET acknowledged_at = ? WHERE acknowledged_at IS NULL", (to_us(now),)).rowcount
    done = db.executemany(
        "UPDATE alerts SET acknowledged_at = ? WHERE acknowledged_at IS NULL AND seq = ?",
        [(to_us(now), seq) for seq in seqs],
    )
    return done.rowcount


def recent(db: sqlite3.Connection, *, limit: int = 100) -> list[Alert]:
    """The newest, newest first."""
    return _select(db, "1 ORDER BY at DESC, seq DESC, channel, purpose LIMIT ?", limit)


def of_events(db: sqlite3.Connection, first: int, last: int) -> list[Alert]:
    """Those about the events with these numbers."""
    return _select(db, "seq BETWEEN ? AND ? ORDER BY seq, purpose, channel", first, last)


def counts(db: sqlite3.Connection, *, since: datetime) -> Mapping[tuple[str, str], int]:
    """How many there are of each channel and state."""
    rows = db.execute("SELECT channel, state, count(*) FROM alerts WHERE at > ? GROUP BY 1, 2", (to_us(since),))
    return {(row[0], row[1]): row[2] for row in rows}


def last_of(db: sqlite3.Connection, channel: str) -> Alert | None:
    """The one of that channel that was tried last."""
    found = _select(db, "channel = ? AND attempts > 0 ORDER BY coalesce(finished_at, at) DESC LIMIT 1", channel)
    return found[0] if found else None


def purge(db: sqlite3.Connection, *, now: datetime) -> None:
    """Forget old ones, a few at a time; none that still waits."""
    db.execute(
        "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts INDEXED BY ix_alerts_at WHERE at < ? AND state !="
        " 'pending' LIMIT ?)",
        (to_us(now - KEPT), BATCH),
    )


def _select(db: sqlite3.Connection, condition: str, *values: object) -> list[Alert]:
    return [_alert(row) for row in db.execute(f"SELECT * FROM alerts WHERE {condition}", values)]


def _alert(row: sqlite3.Row) -> Alert:
    message = Message(
        row["id"],
        row["title"],
        row["body"],
        row["class"],
        row["kind"],
        row["agent"],
        from_us(row["at"]),
        row["purpose"] == ESCALATION,
    )
    return Alert(
        message,
        row["seq"],
        row["channel"],
        row["agent_id"],
        from_us(row["due_at"]),
        row["state"],
        row["attempts"],
        row["note"],
        optional_time(row["finished_at"]),
        optional_time(row["acknowledged_at"]),
    )
