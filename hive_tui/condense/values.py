"""Reads values out of JSON that other programs wrote: nothing in it is certain."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

TEXT_KEYS = ("text", "content", "output", "message")
HEAD, TAIL = 400, 240
CODE_LINE = re.compile(
    r"^\W{0,3}(?:error: ?)?(?:\[?(?:process |command )?exit(?:ed)?(?: with)?(?: code| status)?|exit_code"
    r"|return ?code)"
    r"\W{0,3}(-?\d{1,3})\W{0,3}$",
    re.IGNORECASE | re.MULTILINE,
)


def text_of(value: Any) -> str:
    """The text in a content value: a string, or a list of parts that have some."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return next((text_of(value[key]) for key in TEXT_KEYS if value.get(key)), "")
    if isinstance(value, Iterable):
        return "\n".join(part for part in map(text_of, value) if part)
    return ""


def time_of(value: Any) -> datetime | None:
    """An aware time from ISO 8601, or from seconds or milliseconds since the epoch."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        if isinstance(value, str) and value:
            read = datetime.fromisoformat(value)
            return read if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def arguments_of(value: Any) -> Mapping[str, Any]:
    """A call's arguments: an object, or one that stands as JSON in a string; a plain text is its `input`."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        return {}
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = None
    return read if isinstance(read, dict) else {"input": value}


def exit_code_of(text: str) -> int | None:
    """The exit code that a result's first or last lines tell of, in the forms that agents write it."""
    for piece in (text[:HEAD], text[-TAIL:] if len(text) > HEAD else ""):
        found = CODE_LINE.search(piece)
        if found:
            return int(found[1])
    return None
