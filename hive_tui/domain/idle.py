"""Who is put to sleep for being idle: after how long, and who first while memory is short."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

LONGEST_GAP_S = 30.0
"""Nobody knows what happened between two looks that are farther apart, so every span begins anew."""
NEVER = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """How short the machine is of memory; None where the system does not tell."""

    available_share: float | None = None
    """Of all memory, what programs can have without anything being swapped out: 0 to 1."""
    stalled_share: float | None = None
    """Of the last minute, the part in which some program waited for memory: 0 to 1."""


@dataclass(frozen=True, slots=True)
class IdlePolicy:
    """When idle agents nap. Spans in seconds; 0 switches a rule off."""

    after_s: float = NEVER
    """Idle for so long, with nothing against a nap in all that time."""
    after_s_of: Mapping[str, float] = field(default_factory=dict)
    """By name of the agent; 0 for never, also while memory is short."""
    short_after_s: float = NEVER
    """Of all that have been idle for so long the idlest one, while memory is short."""
    available_below: float = 0.1
    """Memory is short while a smaller share of it is available."""
    stalled_above: float = 0.1
    """Memory is short while programs wait for it in a larger part of the time."""

    @property
    def is_on(self) -> bool:
        """Whether anybody may nap for being idle."""
        return bool(self.after_s or self.short_after_s or any(self.after_s_of.values()))

    def is_about(self, name: str) -> bool:
        """Whether the agent with that name may nap for being idle."""
        own = self.after_s_of.get(name)
        return bool(self.after_s or self.short_after_s) if own is None else bool(own)

    def after_s_for(self, name: str) -> float:
        """How long the agent with that name must be idle while there is memory enough; 0 for never."""
        return self.after_s_of.get(name, self.after_s)

    def is_short(self, memory: Memory) -> bool:
        """Whether so little memory is left that the idlest agent has to go."""
        available, stalled = memory.available_share, memory.stalled_share
        is_scarce = available is not None and available < self.available_below
        return is_scarce or (stalled is not None and stalled > self.stalled_above)


@dataclass(frozen=True, slots=True)
class Calm:
    """One look at an agent that nothing speaks against putting to sleep."""

    agent_id: str
    name: str
    trace: Hashable
    """What changes when it has done something between two looks."""
    idle_since: datetime | None = None
    """As the registry has it: tells who is idler where a new heartbeat has seen all of them for as long."""


@dataclass(frozen=True, slots=True)
class Span:
    """How long an agent has been idle. Seconds that never jump."""

    calm: Calm
    since_s: float


class Spans:
    """For how long which agents have been idle, as far as was seen."""

    def __init__(self) -> None:
        self._spans: dict[str, Span] = {}
        self._looked_s = float("-inf")

    def note(self, calm: Sequence[Calm], now_s: float) -> None:
        """Take in one look. Who is not in it has a span no more, nor has one that did something meanwhile."""
        before = self._spans if now_s - self._looked_s <= LONGEST_GAP_S else {}
        self._looked_s = now_s
        self._spans = {}
        for one in calm:
            known = before.get(one.agent_id)
            is_same = known is not None and known.calm == one
            self._spans[one.agent_id] = known if known is not None and is_same else Span(one, now_s)

    def begin_anew(self, agent_id: str) -> None:
        """What was idle so far does not count any more; the next look begins a new span."""
        self._spans.pop(agent_id, None)

    def ripe(self, policy: IdlePolicy, now_s: float, *, is_short: bool) -> list[tuple[Span, bool]]:
        """Who has been idle for long enough, and of each whether it goes only since memory is short.

        The idlest of those that only a lack of memory is against goes alone: its memory may be enough.
        """
        if now_s - self._looked_s > LONGEST_GAP_S:
            return []
        found = [one for one in self._spans.values() if policy.is_about(one.calm.name)]
        ripe = [one for one in found if _is_over(one, policy.after_s_for(one.calm.name), now_s)]
        if ripe or not is_short:
            return [(one, False) for one in ripe]
        early = [one for one in found if _is_over(one, policy.short_after_s, now_s)]
        return [(one, True) for one in _idlest(early)]


def _is_over(span: Span, after_s: float, now_s: float) -> bool:
    return after_s > 0 and now_s - span.since_s >= after_s


def _idlest(spans: Collection[Span]) -> list[Span]:
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(spans, key=lambda one: (one.since_s, one.calm.idle_since or latest, one.calm.agent_id))[:1]
