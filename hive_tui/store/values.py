"""How values stand in SQLite: times as integer microseconds UTC, structures as JSON text."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_TO_JSON = json.JSONEncoder(separators=(",", ":"))
_TO_PRIVATE = {0xDC00 + byte: 0xF700 + byte for byte in range(0x80, 0x100)}
_FROM_PRIVATE = {private: surrogate for surrogate, private in _TO_PRIVATE.items()}


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


def in_utc(at: datetime) -> datetime:
    """The aware time as it comes back from SQLite."""
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def optional_us(at: datetime | None) -> int | None:
    """`to_us`, or None."""
    return None if at is None else to_us(at)


def optional_time(us: int | None) -> datetime | None:
    """`from_us`, or None."""
    return None if us is None else from_us(us)


def path_to_text(path: str | None) -> str | None:
    """A path that may hold bytes that are no UTF-8 as text that SQLite takes; `path_from_text` gives it back.

    Such a byte becomes U+F780 to U+F7FF, as file systems do it that know Unicode only.
    """
    return None if path is None else path.translate(_TO_PRIVATE)


def path_from_text(text: str | None) -> str | None:
    """What `path_to_text` was given."""
    return None if text is None else text.translate(_FROM_PRIVATE)


def sentence_to_text(sentence: str | None) -> str | None:
    """A sentence for people as text that SQLite takes; bytes that are no UTF-8 are written as escapes."""
    return None if sentence is None else sentence.encode(errors="backslashreplace").decode()


def to_json(value: Any) -> str:
    """Compact JSON text, in ASCII: names of files that are no UTF-8 stand as lone surrogates in it."""
    return _TO_JSON.encode(value) if value != {} else "{}"


def from_json(text: str) -> Any:
    """What `to_json` was given."""
    return json.loads(text) if text != "{}" else {}
