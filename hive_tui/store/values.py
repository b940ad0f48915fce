"""How values stand in SQLite: times as integer microseconds UTC, structures as JSON text."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Microseconds since the epoch of an aware time.

    Raises:
        ValueError: The time has no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {at!r}")
    return (at - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """Aware UTC time."""
    return EPOCH + timedelta(microseconds=us)


def optional_us(at: datetime | None) -> int | None:
    """`to_us`, or None."""
    return None if at is None else to_us(at)


def optional_time(us: int | None) -> datetime | None:
    """`from_us`, or None."""
    return None if us is None else from_us(us)


def to_json(value: Any) -> str:
    """Compact JSON text, in ASCII: names of files that are no UTF-8 stand as lone surrogates in it."""
    return json.dumps(value, separators=(",", ":"))


def from_json(text: str) -> Any:
    """What `to_json` was given."""
    return json.loads(text)
