"""What sleep has saved: recorded turns, replayed as they would have been without handoffs and gates. Pure.

The turns are the recorded ones; nothing is claimed for turns that a sleeping agent might have made.
It is taken for granted that a conversation would have been resumed that was handed over instead. Three
things are estimates, and lean to less where there is a choice:

- After a handoff each turn is given what the conversation that was left behind held more than the new
  one began with. It ends where a conversation is left without a handoff, where its agent cuts it short,
  and where it would have got so long that its agent would have cut it short: nothing of it counts then.
- What is added counts as read from the cache where the turn before is less than the cache's life ago,
  else as written to it.
- A wake that the gate has skipped counts as one turn over the conversation as it was, read from the
  cache, with no output.

What consolidation itself has spent on a model is subtracted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain.usage import Tokens

ASIDE, UNKNOWN = 0, -1
"""In place of the length of a conversation: an answer beside it; one of which it was not noted."""
COMPACT_AT = 150_000
"""Tokens from which on agents are taken to compact their conversation, unless a longer one was recorded."""
CUT_SHORT = 0.5
"""A conversation that has lost so much of its length from one turn to the next was compacted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of a model."""

    at: datetime
    tokens: Tokens
    session_id: str
    context: int
    """Tokens of the conversation after it; or `ASIDE` or `UNKNOWN`."""

    @property
    def is_known(self) -> bool:
        """Whether it is a turn of a conversation that is known."""
        return self.context > 0 and bool(self.session_id)


@dataclass(frozen=True, slots=True)
class Handover:
    """A new conversation began in place of an older one."""

    at: datetime
    previous_session: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Wakes that the gate skipped within an hour."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens of each kind, in one currency."""

    input: float = 0.0
    cache_write: float = 0.0
    cache_read: float = 0.0
    output: float = 0.0

    @property
    def is_set(self) -> bool:
        """Whether anything costs anything."""
        return bool(self.input or self.cache_write or self.cache_read or self.output)

    def of(self, tokens: Tokens) -> float:
        """What they cost."""
        kinds = (self.input, self.cache_write, self.cache_read, self.output)
        counts = (tokens.input, tokens.cache_write, tokens.cache_read, tokens.output)
        return sum(price * count for price, count in zip(kinds, counts, strict=True)) / 1e6


def input_side(tokens: Tokens) -> int:
    """All that was sent to the model."""
    return tokens.input + tokens.cache_write + tokens.cache_read


@dataclass(frozen=True, slots=True)
class Account:
    """A replay of some days. Without a turn there is nothing to say, and every share is None."""

    turns: int = 0
    recorded: Tokens = field(default_factory=Tokens)
    by_handoffs: Tokens = field(default_factory=Tokens)
    """Estimate: what the recorded turns would have sent more."""
    by_gates: Tokens = field(default_factory=Tokens)
    """Estimate: what turns that were not made would have sent."""
    own_spend: Tokens = field(default_factory=Tokens)
    """Recorded: what consolidation itself has spent."""

    def __add__(self, other: "Account") -> "Account":
        return Account(
            self.turns + other.turns,
            self.recorded + other.recorded,
            self.by_handoffs + other.by_handoffs,
            self.by_gates + other.by_gates,
            self.own_spend + other.own_spend,
        )

    @property
    def without(self) -> Tokens:
        """Estimate: the same days without handoffs and gates."""
        return self.recorded + self.by_handoffs + self.by_gates

    @property
    def spent(self) -> Tokens:
        """Recorded: the turns, and consolidation's own spend."""
        return self.recorded + self.own_spend

    @property
    def saved(self) -> int:
        """Estimate: tokens of the input side that were saved, own spend subtracted; below 0 for a loss."""
        return input_side(self.without) - input_side(self.spent)

    @property
    def share(self) -> float | None:
        """Estimate: the saved part of the input side."""
        whole = input_side(self.without)
        return self.saved / whole if self.turns and whole else None

    def to_json(self, price: Price | None = None) -> dict[str, Any]:
        """For `--json`; what is an estimate says so in its name."""
        shape: dict[str, Any] = {
            "turns": self.turns,
            "recorded": _shape(self.recorded),
            "own_spend": _shape(self.own_spend),
            "without_estimate": _shape(self.without) if self.turns else None,
            "saved_by_handoffs_estimate": _shape(self.by_handoffs) if self.turns else None,
            "saved_by_gates_estimate": _shape(self.by_gates) if self.turns else None,
            "saved_input_side_estimate": self.saved if self.turns else None,
            "saved_share_estimate": self.share,
        }
        if price is not None and price.is_set:
            cost, without = price.of(self.spent), price.of(self.without)
            shape |= {"cost": cost, "cost_without_estimate": without if self.turns else None}
            shape["saved_cost_estimate"] = without - cost if self.turns else None
        return shape


def _shape(tokens: Tokens) -> dict[str, int]:
    return {**tokens.to_json(), "input_side": input_side(tokens)}


def replay(
    turns: Sequence[Turn],
    handovers: Iterable[Handover] = (),
    skipped: Iterable[Skipped] = (),
    *,
    since: datetime,
    own_spend: Tokens | None = None,
    cache_s: float = 300.0,
    compact_at: int = COMPACT_AT,
) -> Account:
    """The account of one agent from `since` on.

    Args:
        turns: All that is recorded, also from before `since`: they tell how long conversations were.
        handovers: Likewise.
        skipped: Likewise.
        own_spend: Of consolidation, from `since` on.
        cache_s: So long the vendor's cache keeps a conversation.
        compact_at: Tokens from which on the agent would have compacted a conversation.
    """
    ordered = sorted(turns, key=lambda one: one.at)
    account = Account(own_spend=own_spend or Tokens())
    longest = max((one.context for one in ordered), default=0)
    walk = _Walk(handovers, max(longest, compact_at), timedelta(seconds=cache_s))
    for turn in ordered:
        more = walk.step(turn)
        if turn.at >= since:
            account += Account(1, turn.tokens, more)
    if not account.turns:
        return account
    return account + Account(by_gates=_not_made(ordered, skipped, since))


class _Walk:
    """Goes from turn to turn, and remembers what conversations would have held more without handoffs."""

    def __init__(self, handovers: Iterable[Handover], limit: int, cache: timedelta) -> None:
        self._handovers = sorted(handovers, key=lambda one: one.at)
        self._limit = limit
        self._cache = cache
        self._lengths: dict[str, int] = {}
        self._more: dict[str, int] = {}
        self._session = ""
        self._last_at: datetime | None = None

    def step(self, turn: Turn) -> Tokens:
        """What the turn would have sent more."""
        if not turn.is_known:
            return Tokens()
        sent = input_side(turn.tokens)
        if turn.session_id not in self._lengths:
            self._more[turn.session_id] = self._brought_along(turn, sent)
        elif turn.session_id != self._session or sent < self._lengths[turn.session_id] * CUT_SHORT:
            self._more[turn.session_id] = 0
        if sent + self._more[turn.session_id] > self._limit:
            self._more[turn.session_id] = 0
        self._session, self._lengths[turn.session_id] = turn.session_id, turn.context
        more = self._more[turn.session_id]
        is_warm = self._last_at is not None and turn.at - self._last_at < self._cache
        self._last_at = turn.at
        return Tokens(cache_read=more) if is_warm else Tokens(cache_write=more)

    def _brought_along(self, turn: Turn, sent: int) -> int:
        """How much longer the conversation was that a handoff has replaced by this one."""
        before = [one for one in self._handovers if one.at <= turn.at]
        if not before:
            return 0
        latest = before[-1]
        self._handovers = [one for one in self._handovers if one.at > turn.at]  # each is used once
        if not self._session or latest.previous_session != self._session:
            return 0
        old = self._lengths[latest.previous_session] + self._more[latest.previous_session]
        return max(0, old - sent)


def _not_made(ordered: Sequence[Turn], skipped: Iterable[Skipped], since: datetime) -> Tokens:
    count = 0
    for one in skipped:
        if one.at >= since:
            before = [turn.context for turn in ordered if turn.is_known and turn.at <= one.at]
            count += one.count * (before[-1] if before else 0)
    return Tokens(cache_read=count)


def total(accounts: Mapping[str, Account]) -> Account:
    """Of all agents together."""
    return sum(accounts.values(), Account())
