"""Tokens: what the records of agents tell about what was spent. Pure: a record in, what it means out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from hive_tui.domain.limits import UsageLimit, of_claude_record, of_rate_limits


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one answer, or a sum of such. No token is in two of them."""

    input: int = 0
    """Fresh input, neither read from a cache nor written to one."""
    cache_write: int = 0
    cache_read: int = 0
    output: int = 0
    """With what was thought."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.input + self.cache_write + self.cache_read + self.output

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.cache_write + other.cache_write,
            self.cache_read + other.cache_read,
            self.output + other.output,
        )

    def to_json(self) -> dict[str, int]:
        """For `--json`."""
        return {
            "input": self.input,
            "cache_write": self.cache_write,
            "cache_read": self.cache_read,
            "output": self.output,
            "total": self.total,
        }


def count_in_words(count: int) -> str:
    """A number of tokens as it is read at a glance: `950`, `12.3k`, `4.56M`."""
    if count < 1_000:
        return str(count)
    if count < 999_950:
        return f"{count / 1_000:.1f}k"
    return f"{count / 1_000_000:.2f}M"


PROSE_KEY, VECTORS_KEY = "ledger-prose:", "embeddings:"
"""With these begin the keys of what consolidation has spent itself: no turn of the agent."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one answer of a model has cost."""

    key: str
    """The same for the same answer, in whatever file and however often it stands."""
    at: datetime
    tokens: Tokens
    session_id: str = ""
    model: str = ""
    context: int | None = None
    """Tokens of the conversation after it; None for answers beside the conversation."""


class Told(NamedTuple):
    """What a record tells."""

    spent: Spent | None = None
    limit: UsageLimit | None = None
    at: datetime | None = None
    """When the limit was told."""


NOTHING = Told()
State = dict[str, Any]
"""What has to be remembered between two records of a file; JSON."""
Reading = Callable[[Mapping[str, Any], State, tzinfo], Told]


def of_claude(record: Mapping[str, Any], state: State, zone: tzinfo) -> Told:
    """A line of a Claude transcript. An answer stands in it once for each of its parts, its output growing."""
    limit = of_claude_record(record, zone)
    message = record.get("message")
    usage = message.get("usage") if isinstance(message, Mapping) else None
    at = _time(record.get("timestamp"))
    if record.get("type") != "assistant" or not isinstance(usage, Mapping) or at is None:
        return Told(None, limit, at)
    assert isinstance(message, Mapping)
    tokens = Tokens(
        _count(usage, "input_tokens"),
        _count(usage, "cache_creation_input_tokens"),
        _count(usage, "cache_read_input_tokens"),
        _count(usage, "output_tokens"),
    )
    session_id = str(record.get("sessionId") or "")
    key = f"{message.get('id') or record.get('uuid') or at}:{record.get('requestId') or session_id}"
    is_aside = bool(record.get("isSidechain") or record.get("agentId"))
    context = None if is_aside or not tokens.total else tokens.total
    spent = Spent(f"claude:{key}", at, tokens, session_id, str(message.get("model") or ""), context)
    return Told(spent if tokens.total else None, limit, at)


def of_codex(record: Mapping[str, Any], state: State, zone: tzinfo) -> Told:
    """A line of a Codex rollout. It counts up; the same count may be told several times."""
    payload = record.get("payload")
    if not isinstance(payload, Mapping):
        return NOTHING
    at = _time(record.get("timestamp"))
    if record.get("type") == "session_meta" and "session" not in state:
        # A fork begins with the records of the conversation that it comes from, which were spent there.
        state.update(session=str(payload.get("id") or ""), began=record.get("timestamp"))
        state["fork"] = bool(payload.get("forked_from_id"))
    if payload.get("type") != "token_count" or at is None:
        return NOTHING
    limits = payload.get("rate_limits")
    limit = of_rate_limits(limits) if isinstance(limits, Mapping) else None
    info = payload.get("info")
    total = info.get("total_token_usage") if isinstance(info, Mapping) else None
    if not isinstance(info, Mapping) or not isinstance(total, Mapping):
        return Told(None, limit, at)
    counted = _codex_counts(total)
    before = state.get("counted", [0, 0, 0, 0])
    state["counted"] = counted
    if counted < before or any(new < old for new, old in zip(counted, before, strict=True)):
        before = [0, 0, 0, 0]  # it began to count anew
    began = _time(state.get("began"))
    is_copy = bool(state.get("fork")) and began is not None and at <= began
    last = info.get("last_token_usage")
    context = _count(last, "total_tokens") if isinstance(last, Mapping) else None
    tokens = Tokens(*(new - old for new, old in zip(counted, before, strict=True)))
    if not tokens.total or is_copy:
        return Told(None, limit, at)
    session_id = str(state.get("session") or "")
    key = f"codex:{session_id}:{'/'.join(map(str, counted))}"
    return Told(Spent(key, at, tokens, session_id, "", context or None), limit, at)


def _codex_counts(total: Mapping[str, Any]) -> list[int]:
    """In the order of `Tokens`: the input that Codex counts has both kinds of cached input in it."""
    read, written = _count(total, "cached_input_tokens"), _count(total, "cache_write_input_tokens")
    fresh = max(0, _count(total, "input_tokens") - read - written)
    return [fresh, written, read, _count(total, "output_tokens")]


def of_gemini(record: Mapping[str, Any], state: State, zone: tzinfo) -> Told:
    """A line of a Gemini chat; a resumed one begins with a copy of what was said before, under the same ids."""
    state["session"] = str(record.get("sessionId") or state.get("session") or "")
    tokens = record.get("tokens")
    at = _time(record.get("timestamp"))
    if record.get("type") != "gemini" or not isinstance(tokens, Mapping) or at is None:
        return NOTHING
    cached = _count(tokens, "cached")
    fresh = max(0, _count(tokens, "input") - cached) + _count(tokens, "tool")
    spent = Tokens(fresh, 0, cached, _count(tokens, "output") + _count(tokens, "thoughts"))
    key = f"gemini:{state['session']}:{record.get('id') or at}"
    return Told(
        Spent(key, at, spent, state["session"], str(record.get("model") or ""), spent.total) if spent.total else None
    )


def of_opencode(message_id: str, session_id: str, data: Mapping[str, Any], *, is_aside: bool) -> Spent | None:
    """A message of OpenCode's database; one that is not finished grows."""
    tokens, time = data.get("tokens"), data.get("time")
    if data.get("role") != "assistant" or not isinstance(tokens, Mapping) or not isinstance(time, Mapping):
        return None
    cache = tokens.get("cache")
    cache = cache if isinstance(cache, Mapping) else {}
    output = _count(tokens, "output") + _count(tokens, "reasoning")
    spent = Tokens(_count(tokens, "input"), _count(cache, "write"), _count(cache, "read"), output)
    created = time.get("created")
    if not spent.total or not isinstance(created, int | float) or not 0 < created < 4e12:
        return None
    at = datetime.fromtimestamp(created / 1000, UTC)
    context = None if is_aside else spent.total
    return Spent(f"opencode:{message_id}", at, spent, session_id, str(data.get("modelID") or ""), context)


READINGS: Mapping[str, tuple[Reading, tuple[bytes, ...]]] = {
    "claude": (of_claude, (b'"assistant"',)),
    "codex": (of_codex, (b'"token_count"', b'"session_meta"')),
    "gemini": (of_gemini, (b'"sessionId"', b'"tokens"')),
}
"""By kind: how a line is read, and what stands in each line that is worth it."""


COUNTED = frozenset({*READINGS, "opencode"})
"""Kinds whose records tell what was spent."""


def _count(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else 0


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
