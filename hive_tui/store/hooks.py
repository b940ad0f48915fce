"""Hook events that were taken in, and what they have told of each conversation last."""

import sqlite3
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from hive_tui.domain.agents import Activity
from hive_tui.domain.hooks import ENDS, STARTS, HookEvent, HookReport, Reports, activity_of
from hive_tui.store.values import from_us, optional_time, optional_us, path_from_text, path_to_text, to_us

SAID = ("last_assistant_message", "last-assistant-message", "message")


def take(db: sqlite3.Connection, event: HookEvent, *, now: datetime) -> bool:
    """Take an event in; False if that was done before.

    Events may come in any order: an older one changes nothing that a newer one has told.
    """
    added = db.execute(
        "INSERT OR IGNORE INTO hook_events (name, at, taken_at, kind, session_id, event) VALUES (?, ?, ?, ?, ?, ?)",
        (event.name, to_us(event.at), to_us(now), event.kind, event.session_id, event.event),
    )
    if added.rowcount == 0:
        return False
    if event.session_id is not None and not event.is_of_subagent:
        known = report(db, event.kind, event.session_id)
        if known is not None or "type" not in event.fields:  # a bare notification tells of hidden requests too
            _put(db, told(known, event))
    return True


def told(known: HookReport | None, event: HookEvent) -> HookReport:
    """What is known of the conversation after the event."""
    if known is None:
        known = HookReport(event.kind, event.session_id or "", event.event, event.at)
    activity = activity_of(event)
    if activity is not None and (known.activity_at is None or known.activity_at <= event.at):
        known = replace(known, activity=activity, activity_event=event.event, activity_at=event.at)
    if event.at < known.at:
        return known
    if event.is_from_its_agent:
        known = replace(known, pane_id=event.pane_id, tmux_pid=event.tmux_pid, ancestors=event.ancestors)
    is_back = event.event in STARTS or activity is not None
    return replace(
        known,
        event=event.event,
        at=event.at,
        cwd=_text(event, "cwd") or known.cwd,
        transcript=_text(event, "transcript_path") or known.transcript,
        said=next((text for name in SAID if (text := _text(event, name))), known.said),
        has_ended=event.event in ENDS or (known.has_ended and not is_back),
    )


def report(db: sqlite3.Connection, kind: str, session_id: str) -> HookReport | None:
    """What was told of one conversation."""
    row = db.execute("SELECT * FROM hook_sessions WHERE kind = ? AND session_id = ?", (kind, session_id)).fetchone()
    return None if row is None else _report(row)


def reports(db: sqlite3.Connection) -> Reports:
    """What was told of all of them."""
    found = map(_report, db.execute("SELECT * FROM hook_sessions"))
    return Reports({(one.kind, one.session_id): one for one in found})


def forget_before(db: sqlite3.Connection, at: datetime, *, waiting: Collection[str]) -> None:
    """Forget events that were taken in before, and conversations that were last told of before that time.

    Args:
        db: The database.
        at: Aware UTC.
        waiting: Names that still lie in the spool, which would be taken in once more if they were forgotten.
    """
    old = [row["name"] for row in db.execute("SELECT name FROM hook_events WHERE taken_at < ?", (to_us(at),))]
    db.executemany("DELETE FROM hook_events WHERE name = ?", [(name,) for name in old if name not in waiting])
    db.execute("DELETE FROM hook_sessions WHERE at < ?", (to_us(at),))


def _text(event: HookEvent, name: str) -> str:
    value = event.fields.get(name)
    return value if isinstance(value, str) else ""


def _put(db: sqlite3.Connection, one: HookReport) -> None:
    db.execute(
        "INSERT OR REPLACE INTO hook_sessions (kind, session_id, event, at, activity, activity_event, activity_at,"
        " cwd, transcript, pane_id, tmux_pid, ancestors, said, has_ended)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.kind,
            one.session_id,
            one.event,
            to_us(one.at),
            one.activity,
            one.activity_event,
            optional_us(one.activity_at),
            path_to_text(one.cwd),
            path_to_text(one.transcript),
            one.pane_id,
            one.tmux_pid,
            " ".join(one.ancestors),
            one.said,
            one.has_ended,
        ),
    )


@lru_cache(maxsize=4096)
def _report(row: sqlite3.Row) -> HookReport:
    """Made once of each row: all are read at each look, and few have changed."""
    return HookReport(
        row["kind"],
        row["session_id"],
        row["event"],
        from_us(row["at"]),
        Activity(row["activity"]) if row["activity"] else None,
        row["activity_event"],
        optional_time(row["activity_at"]),
        path_from_text(row["cwd"]),
        path_from_text(row["transcript"]),
        row["pane_id"],
        row["tmux_pid"],
        tuple(row["ancestors"].split()),
        row["said"],
        bool(row["has_ended"]),
    )
