"""Models that lie in the memory of a model server, and when one is unloaded unasked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.idle_sleep import IdleSleepPolicy
from hive_tui.domain.services import needed_by

PINNED_FROM = timedelta(days=30)
"""A server that is told to keep a model for ever gives an expiry that lies centuries ahead."""
MOST_RELOADS = 3
LEFT_ALONE = timedelta(hours=24)
"""So long a model is not unloaded any more, after clients have loaded it again `MOST_RELOADS` times."""


class ModelServerFailed(HiveError):
    """A model server did not answer, refused, or did not do what it said."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, as its server tells."""

    provider: str
    """`ollama`, `llama.cpp` or `llama-swap`."""
    name: str
    size_bytes: int | None = None
    vram_bytes: int | None = None
    expires_at: datetime | None = None
    """When the server itself unloads it; it moves with each request. None if it does not tell."""
    used: str = ""
    """Another text once it has been used, if the server tells of that; empty if it does not."""
    in_flight: str = ""
    """What goes on with it now, as a reason; empty for nothing that is known."""

    @property
    def key(self) -> str:
        """Names the model over all servers: `ollama/llama3:8b`."""
        return f"{self.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What is remembered of a model from one look to the next."""

    provider: str
    name: str
    is_loaded: bool = True
    size_bytes: int | None = None
    vram_bytes: int | None = None
    expires_at: datetime | None = None
    used: str = ""
    last_used_at: datetime | None = None
    looked_at: datetime | None = None
    keep_until: datetime | None = None
    """When it is unloaded, if nothing happens until then; None for never."""
    reason: str = ""
    unloaded_at: datetime | None = None
    """When hive-tui last unloaded it."""
    reloads: int = 0
    """How often a client has loaded it again soon after that, in a row."""

    @property
    def key(self) -> str:
        """As of `LoadedModel`."""
        return f"{self.provider}/{self.name}"


class ModelServer(Protocol):
    """Talks to one model server."""

    provider: str
    can_unload: bool
    why_not: str
    """Why it cannot unload single models; empty if it can."""

    def loaded(self) -> Sequence[LoadedModel]:
        """The models in memory; raises ModelServerFailed."""
        ...

    def unload(self, name: str) -> None:
        """Have it unloaded; raises ModelServerFailed."""
        ...

    def preload(self, name: str) -> None:
        """Have it loaded, and wait for that; raises ModelServerFailed."""
        ...


def was_reloaded(record: ModelRecord, now: datetime, policy: IdleSleepPolicy) -> bool:
    """Whether a model that is in memory again was loaded by a client soon after hive-tui had unloaded it."""
    was_ours = not record.is_loaded and record.unloaded_at is not None
    return was_ours and record.unloaded_at is not None and now - record.unloaded_at <= policy.keep_alive


def was_used(record: ModelRecord, model: LoadedModel) -> bool:
    """Whether requests have come since the look before."""
    return not record.is_loaded or (record.expires_at, record.used) != (model.expires_at, model.used)


def is_pinned(model: LoadedModel, now: datetime) -> bool:
    """Whether somebody wants it kept for ever."""
    return model.expires_at is not None and model.expires_at - now > PINNED_FROM


def keep_until(
    record: ModelRecord, model: LoadedModel, awake: Sequence[str], policy: IdleSleepPolicy, now: datetime
) -> tuple[datetime | None, str]:
    """When the model is unloaded, and why not now; an instant that has come and an empty reason: unload it.

    Args:
        record: With `last_used_at` brought up to this look.
        model: What the server tells now.
        awake: Names of agents that need it and do not sleep.
        policy: The figures.
        now: Aware UTC.
    """
    used_at = record.last_used_at or now
    until = used_at + policy.keep_alive
    if is_pinned(model, now):
        return None, "pinned by a client"
    if awake:
        return None, needed_by(awake)
    if record.reloads >= MOST_RELOADS and record.unloaded_at and now - record.unloaded_at < LEFT_ALONE:
        return None, f"left alone: a client has loaded it again {record.reloads} times"
    if not policy.enabled:
        return None, "idle sleep is off"
    if model.in_flight:
        return None, model.in_flight
    if model.expires_at is None and not model.used:
        return None, "its server does not tell when it was used"
    if model.expires_at is not None and model.expires_at <= now:
        # Ollama sets the expiry anew at the end of a request, so one that has passed means a long one.
        return None, "its own expiry has passed: a request is in flight"
    if now >= until:
        return until, ""
    return min(until, model.expires_at or until), f"used {in_words(now - used_at)} ago"
