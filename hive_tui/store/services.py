"""What is remembered of the services of the machine."""

import sqlite3
from dataclasses import fields
from datetime import datetime

from hive_tui.domain.services import Actual, Desired, ServiceRecord
from hive_tui.store.values import optional_time, optional_us, sentence_to_text, to_us

NAMES = tuple(one.name for one in fields(ServiceRecord))
COLUMNS = ", ".join(NAMES)
LOOKED = (
    "actual", "detail", "last_used_at", "looked_at", "run_id", "cpu_s", "network_bytes", "reason", "sleeps_at",
    "crashes", "crashed_at",
)  # fmt: skip
"""What a look changes; what a person wants, and who waits for a start, are changed apart."""


def get(db: sqlite3.Connection, name: str) -> ServiceRecord:
    """What is known of a service; a new record for one that was never looked at."""
    row = db.execute(f"SELECT {COLUMNS} FROM services WHERE name = ?", (name,)).fetchone()
    return _record(row) if row else ServiceRecord(name)


def everything(db: sqlite3.Connection) -> dict[str, ServiceRecord]:
    """All of them, by name."""
    return {row["name"]: _record(row) for row in db.execute(f"SELECT {COLUMNS} FROM services")}


def put_look(db: sqlite3.Connection, record: ServiceRecord) -> None:
    """Keep what a look has shown and what was decided about it."""
    _known(db, record.name)
    db.execute(
        f"UPDATE services SET {', '.join(f'{column} = ?' for column in LOOKED)} WHERE name = ?",
        (
            record.actual,
            sentence_to_text(record.detail),
            optional_us(record.last_used_at),
            optional_us(record.looked_at),
            sentence_to_text(record.run_id),
            record.cpu_s,
            record.network_bytes,
            sentence_to_text(record.reason),
            optional_us(record.sleeps_at),
            record.crashes,
            optional_us(record.crashed_at),
            record.name,
        ),
    )


def set_desired(db: sqlite3.Connection, name: str, desired: Desired) -> Desired:
    """What a person wants of it from now on; what it was before."""
    before = get(db, name).desired
    _known(db, name)
    db.execute("UPDATE services SET desired = ?, sleeps_at = NULL WHERE name = ?", (desired, name))
    return before


def ask_start(db: sqlite3.Connection, name: str, *, now: datetime) -> None:
    """Somebody waits for it to be started: an idle stop that has not acted yet must not."""
    _known(db, name)
    db.execute("UPDATE services SET start_asked_at = ? WHERE name = ?", (to_us(now), name))


def end_start(db: sqlite3.Connection, name: str) -> None:
    """It was started, or that has failed."""
    db.execute("UPDATE services SET start_asked_at = NULL WHERE name = ?", (name,))


def _known(db: sqlite3.Connection, name: str) -> None:
    db.execute("INSERT OR IGNORE INTO services (name) VALUES (?)", (name,))


def _record(row: sqlite3.Row) -> ServiceRecord:
    return ServiceRecord(
        row["name"],
        Desired(row["desired"]),
        Actual(row["actual"]),
        row["detail"],
        optional_time(row["last_used_at"]),
        optional_time(row["looked_at"]),
        row["run_id"],
        row["cpu_s"],
        row["network_bytes"],
        row["reason"],
        optional_time(row["sleeps_at"]),
        row["crashes"],
        optional_time(row["crashed_at"]),
        optional_time(row["start_asked_at"]),
    )
