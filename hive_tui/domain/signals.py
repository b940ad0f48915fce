"""What comes from outside to ask for a wake, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hive_tui.domain.errors import HiveError

LONGEST_BYTES = 64_000
PRIORITIES = range(101)
FLAGS = ("", "0", "1", "true")
"""Values that only say that the key is set."""


class SignalRefused(HiveError):
    """It is no request for a wake, and will not become one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a signal asks for."""

    message: str = ""
    """What is to be said to the agent; empty for nothing."""
    priority: int | None = None
    """0 to 100; None for the usual one of its source."""
    key: str = ""
    """The sender's own idempotency key; empty for none."""


@dataclass(frozen=True, slots=True)
class WakeSignal:
    """A key on a server that holds a request."""

    agent_name: str
    value: bytes
    set_id: str
    """Another one each time the key is set, also to the same value."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An entry of a stream that is ours to deal with, until it is acknowledged."""

    id: str
    fields: Mapping[bytes, bytes] | None
    """None if it was deleted meanwhile."""


class SignalServer(Protocol):
    """Keys that ask for wakes. For one thread; every method but `close` raises StreamsError."""

    def waiting(self, names: Sequence[str]) -> list[WakeSignal]:
        """The signals of these agents that are set now."""
        ...

    def settle(self, signal: WakeSignal) -> bool:
        """Remove the signal, if it still has that value; False if it has another one by now."""
        ...

    def rest(self, timeout_s: float) -> bool:
        """Wait until a signal may have been set; False where that is not told, and no time has passed."""
        ...

    def close(self) -> None:
        """End all waiting, from any thread; it is of use again afterwards."""
        ...


class StreamReader(Protocol):
    """A stream of requests, read as one of a group. For one thread; every method but `close` raises StreamsError."""

    def unfinished(self) -> list[StreamEntry]:
        """What this reader, or one that is gone, was given and has not acknowledged."""
        ...

    def next(self, timeout_s: float) -> list[StreamEntry]:
        """New entries; waits for one up to so long."""
        ...

    def acknowledge(self, entry_id: str) -> None:
        """It is dealt with."""
        ...

    def close(self) -> None:
        """End all waiting, from any thread; it is of use again afterwards."""
        ...


class Channel(Protocol):
    """Tells whoever listens. For one thread."""

    def publish(self, messages: Sequence[str]) -> None:
        """Send them; raises StreamsError."""
        ...

    def close(self) -> None:
        """End it, from any thread; it is of use again afterwards."""
        ...


def asked_by_text(value: bytes) -> Asked:
    """What the value of a key asks for: plain text is a message, a JSON object says more.

    Raises:
        SignalRefused: It is neither.
    """
    text = _text(value).strip()
    if text in FLAGS:
        return Asked()
    if not text.startswith("{"):
        return Asked(text)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SignalRefused(f"It begins like JSON and is none: {error}.") from error
    return _asked(said)


def asked_by_fields(fields: Mapping[bytes, bytes]) -> tuple[str, Asked]:
    """Which agent an entry of a stream means, by name, and what it asks for.

    Raises:
        SignalRefused: It names no agent, or what it says is none.
    """
    said = {_text(name): _text(value) for name, value in fields.items()}
    agent = said.get("agent", "").strip()
    if not agent:
        raise SignalRefused("It has no field `agent`.")
    more = {name: value for name, value in said.items() if name in ("message", "key")}
    if priority := said.get("priority"):
        return agent, _asked({**more, "priority": int(priority) if priority.isdecimal() else priority})
    return agent, _asked(more)


def _asked(said: Mapping[str, Any]) -> Asked:
    priority, message, key = said.get("priority"), said.get("message", ""), said.get("key", "")
    if priority is not None and (isinstance(priority, bool) or priority not in PRIORITIES):
        raise SignalRefused(f"Its priority is {priority!r}, and not a whole number from 0 to 100.")
    if not (isinstance(message, str) and isinstance(key, str)):
        raise SignalRefused("Its message or its key is no text.")
    return Asked(message.strip(), None if priority is None else int(priority), key.strip())


def _text(value: bytes) -> str:
    if len(value) > LONGEST_BYTES:
        raise SignalRefused(f"It has {len(value)} bytes, and at most {LONGEST_BYTES} are taken.")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise SignalRefused("It is no text in UTF-8.") from error
