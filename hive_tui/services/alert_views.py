"""How alerts were delivered, in words: for the event that they are about, for the doctor, and for `status`."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from hive_tui.store import alerts as outbox
from hive_tui.store.alerts import ESCALATION, Alert

RECENT = timedelta(days=1)
PROOF = {"pending": "waits", "sent": "sent", "failed": "not delivered", "dropped": "not sent"}


def delivery_text(alert: Alert) -> str:
    """One line, as in `alert by ntfy: sent (ntfy.sh has taken it (200))`."""
    what = "escalation" if alert.message.is_escalation else outbox.ALERT
    tried = f" after {alert.attempts} attempts" if alert.attempts > 1 and alert.state != "sent" else ""
    note = f" ({alert.note.rstrip('.')})" if alert.note else ""
    seen = ", acknowledged" if alert.acknowledged_at else ""
    return f"{what} by {alert.channel}: {PROOF[alert.state]}{tried}{note}{seen}"


def by_event(db: sqlite3.Connection, first: int, last: int) -> Mapping[int, tuple[str, ...]]:
    """The lines for each event with a number in that range that had an alert."""
    found: dict[int, tuple[str, ...]] = {}
    for alert in outbox.of_events(db, first, last):
        found[alert.seq] = (*found.get(alert.seq, ()), delivery_text(alert))
    return found


def to_json(alert: Alert) -> dict[str, object]:
    """For `--json`; fields may grow and never change."""
    message = alert.message
    return {
        "id": message.id,
        "seq": alert.seq,
        "at": message.at,
        "class": message.class_,
        "kind": message.kind,
        "agent": message.agent or None,
        "channel": alert.channel,
        "purpose": ESCALATION if message.is_escalation else outbox.ALERT,
        "state": alert.state,
        "attempts": alert.attempts,
        "due_at": alert.due_at,
        "note": alert.note or None,
        "finished_at": alert.finished_at,
        "acknowledged_at": alert.acknowledged_at,
        "title": message.title,
        "text": message.body,
    }


def summary(db: sqlite3.Connection, *, now: datetime) -> dict[str, int]:
    """How many of the last 24 hours are in which state."""
    counts = outbox.counts(db, since=now - RECENT)
    return {state: sum(n for (_, one), n in counts.items() if one == state) for state in PROOF}
