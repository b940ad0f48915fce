"""What is remembered of the models of model servers."""

import sqlite3
from datetime import datetime

from hive_tui.domain.models import ModelRecord
from hive_tui.store.values import optional_time, optional_us, sentence_to_text, to_us

COLUMNS = (
    "provider, name, is_loaded, size_bytes, vram_bytes, expires_at, used, last_used_at, looked_at, keep_until, reason,"
    " unloaded_at, reloads"
)


def everything(db: sqlite3.Connection) -> dict[str, ModelRecord]:
    """All of them, by key: the loaded ones, and those that were unloaded."""
    found = [_record(row) for row in db.execute(f"SELECT {COLUMNS} FROM models ORDER BY provider, name")]
    return {record.key: record for record in found}


def put(db: sqlite3.Connection, record: ModelRecord) -> None:
    """Keep what is known of a model."""
    db.execute(
        f"INSERT OR REPLACE INTO models ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.provider,
            record.name,
            int(record.is_loaded),
            record.size_bytes,
            record.vram_bytes,
            optional_us(record.expires_at),
            record.used,
            optional_us(record.last_used_at),
            optional_us(record.looked_at),
            optional_us(record.keep_until),
            sentence_to_text(record.reason),
            optional_us(record.unloaded_at),
            record.reloads,
        ),
    )


def forget(db: sqlite3.Connection, *, before: datetime) -> None:
    """Forget the models that are not loaded, and were not for long."""
    db.execute("DELETE FROM models WHERE is_loaded = 0 AND looked_at < ?", (to_us(before),))


def _record(row: sqlite3.Row) -> ModelRecord:
    return ModelRecord(
        row["provider"],
        row["name"],
        bool(row["is_loaded"]),
        row["size_bytes"],
        row["vram_bytes"],
        optional_time(row["expires_at"]),
        row["used"],
        optional_time(row["last_used_at"]),
        optional_time(row["looked_at"]),
        optional_time(row["keep_until"]),
        row["reason"],
        optional_time(row["unloaded_at"]),
        row["reloads"],
    )
