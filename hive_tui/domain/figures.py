"""What the Metrics screen plots: figures, how each is worked out of sums, and which goal it has. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hive_tui.domain import metrics as known
from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.usage import count_in_words

Part = tuple[str, str]
"""Name of a sum, and the last of its labels; empty for any."""
LOOKS = "looks"
"""Label of how many naps were looked at for open handles."""
TOKEN_KINDS = ("input", "cache_write", "cache_read", "output")


class Unit(StrEnum):
    """How values are written."""

    SHARE = "share"
    COUNT = "count"
    TOKENS = "tokens"
    SECONDS = "seconds"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that the figure should keep to."""

    limit: float
    is_least: bool = False
    """Whether it should be at least, and not at most, the limit."""
    judged_from: float = 0.0
    """What a share must at least be a share of, in the unit of that: of less, it says nothing."""

    def is_met(self, value: float) -> bool:
        """Whether a value keeps to it."""
        return value >= self.limit if self.is_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One of them: the sum of some parts, or their ratio to others."""

    key: str
    title: str
    unit: Unit
    formula: str
    """What it is, for a person."""
    above: tuple[Part, ...]
    below: tuple[Part, ...] = ()
    goal: Goal | None = None
    is_looked_for: bool = False
    """Whether somebody has to look for it first: then it is 0 only where that was done, and found nothing."""

    @property
    def names(self) -> set[str]:
        """The sums that it needs."""
        return {name for name, _ in (*self.above, *self.below)}

    def value(self, sums: Mapping[Part, float], *, is_watched: bool) -> float | None:
        """Its value in one span of time; None where nothing is known, which is not 0.

        Args:
            sums: By name and last label; those under an empty label are of all labels together.
            is_watched: Whether anybody was there to count in that span.
        """
        found = [sums[part] for part in self.above if part in sums]
        if self.below:
            whole = sum(sums.get(part, 0.0) for part in self.below)
            return sum(found) / whole if whole else None
        return sum(found) if found or (is_watched and not self.is_looked_for) else None

    def is_judged(self, sums: Mapping[Part, float]) -> bool:
        """Whether there is enough to say that the goal is met or missed."""
        return self.goal is not None and sum(sums.get(part, 0.0) for part in self.below) >= self.goal.judged_from


def _sum(metric: known.Metric, *labels: str) -> tuple[Part, ...]:
    return tuple((metric.name, label) for label in labels or ("",))


def _mean(metric: known.Metric) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    return ((f"{metric.name}_sum", ""),), ((f"{metric.name}_count", ""),)


def _open(metric: known.Metric, when: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    return _sum(metric, when), _sum(known.OPEN_HANDLES, LOOKS)


NONE, ONE_IN_TWENTY = Goal(0.0), Goal(0.05)
A_FIFTH = Goal(0.2, judged_from=10_000)
"""A ledger may always have 2,000 tokens: of shorter conversations that is more than a fifth."""
MOST_OF_IT = Goal(0.7, is_least=True, judged_from=10.0)
"""In less than so many seconds most of the time goes into starting the workers."""
SENT = _sum(known.TOKENS, *TOKEN_KINDS[:3])
FIGURES: tuple[Figure, ...] = (
    Figure("asleep", "Asleep", Unit.SHARE, "time asleep / time seen asleep or awake",
           _sum(known.STATE_SECONDS, "asleep"), _sum(known.STATE_SECONDS, "asleep", "awake")),
    Figure("sent", "Tokens sent", Unit.TOKENS, "input + cache writes + cache reads", SENT),
    Figure("cached", "Read from cache", Unit.SHARE, "cache reads / tokens sent",
           _sum(known.TOKENS, "cache_read"), SENT),
    Figure("output", "Tokens answered", Unit.TOKENS, "output tokens", _sum(known.TOKENS, "output")),
    Figure("freed", "Memory freed", Unit.BYTES, "anonymous memory that naps gave back", _sum(known.MEMORY_FREED)),
    Figure("naps", "Naps", Unit.COUNT, "agents that were put to sleep", _sum(known.NAP)),
    Figure("wakes", "Wakes", Unit.COUNT, "attempts that brought an agent up", _sum(known.WAKE, "wake")),
    Figure("gated", "Wakes gated", Unit.COUNT, "wakes that the gate skipped or put off",
           _sum(known.WAKE, "skip", "defer")),
    Figure("false", "False wakes", Unit.SHARE, "no answer of the model within 30 min / wakes that were judged",
           _sum(known.WAKE_JUDGED, "false"), _sum(known.WAKE_JUDGED, "false", "useful"), ONE_IN_TWENTY),
    Figure("resumed", "Resumes that worked", Unit.SHARE, "attempts that came up / attempts that tried",
           _sum(known.RESUME, "ok"), _sum(known.RESUME, "ok", "failed")),
    Figure("latency", "Queue latency", Unit.SECONDS, "mean seconds from due to the attempt",
           *_mean(known.QUEUE_LATENCY)),
    Figure("retries", "Retries", Unit.COUNT, "failed attempts that are tried again", _sum(known.RETRY)),
    Figure("timeouts", "Timeouts", Unit.COUNT, "attempts in which something did not answer", _sum(known.TIMEOUT)),
    Figure("duplicates", "Duplicate commits", Unit.COUNT, "commits after a wake that were made before",
           _sum(known.DUPLICATE_COMMIT), (), NONE, is_looked_for=True),
    Figure("handles_before", "Handles before nap", Unit.COUNT, "mean open files of the agent",
           *_open(known.OPEN_HANDLES, "before")),
    Figure("handles", "Handles after nap", Unit.COUNT, "mean open files that are left of the agent",
           *_open(known.OPEN_HANDLES, "after"), NONE),
    Figure("connections_before", "Connected before nap", Unit.COUNT, "mean TCP connections of the agent",
           *_open(known.OPEN_CONNECTIONS, "before")),
    Figure("connections", "Connected after nap", Unit.COUNT, "mean TCP connections that are left of the agent",
           *_open(known.OPEN_CONNECTIONS, "after"), NONE),
    Figure("checkpoint", "Checkpoint time", Unit.SECONDS, "mean seconds of a checkpoint",
           *_mean(known.CHECKPOINT_SECONDS)),
    Figure("stored", "Checkpoint bytes", Unit.BYTES, "bytes of checkpoint files written", _sum(known.CHECKPOINT_BYTES)),
    Figure("condensed", "Tokens condensed", Unit.TOKENS, "tokens of conversations that were condensed",
           _sum(known.CONSOLIDATION_TOKENS, "in")),
    Figure("kept", "Kept of them", Unit.SHARE, "ledger tokens / tokens of conversations",
           _sum(known.CONSOLIDATION_TOKENS, "out"), _sum(known.CONSOLIDATION_TOKENS, "in"), A_FIFTH),
    Figure("model", "Spent on a model", Unit.TOKENS, "tokens that consolidation itself has spent",
           _sum(known.MODEL_TOKENS)),
    Figure("condensing", "Time condensing", Unit.SECONDS, "seconds of all stages", _sum(known.CONSOLIDATION_SECONDS)),
    Figure("cpu", "Off-peak CPU used", Unit.SHARE, "CPU used / CPU allotted while stages ran",
           _sum(known.CPU_USED), _sum(known.CPU_ALLOTTED), MOST_OF_IT),
)  # fmt: skip
"""In the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure over time."""

    figure: Figure
    points: Sequence[float | None]
    """Oldest first; None where nothing is known."""
    whole: float | None
    """Over the whole time."""
    is_judged: bool = True
    """Whether there is enough of it for a verdict."""

    @property
    def is_met(self) -> bool | None:
        """Whether it keeps to its goal; None where nobody can say."""
        goal = self.figure.goal
        return None if goal is None or self.whole is None or not self.is_judged else goal.is_met(self.whole)


def in_unit(value: float | None, unit: Unit) -> str:
    """A value as it is read at a glance; a dash where there is none."""
    if value is None:
        return "-"
    if unit is Unit.SHARE:
        return f"{value * 100:.2g} %" if 0 < value < 0.1 else f"{value * 100:.0f} %"
    if unit is Unit.TOKENS:
        return count_in_words(round(value))
    if unit is Unit.BYTES:
        return bytes_in_words(round(value))
    if unit is Unit.SECONDS:
        return _seconds_in_words(value)
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _seconds_in_words(value: float) -> str:
    if 0 < value < 0.1:
        return f"{value * 1000:.2g} ms"
    return f"{value:.3g} s" if value < 100 else f"{value:,.0f} s"


def goal_in_words(figure: Figure) -> str:
    """As in `≤ 20 %`; empty for none."""
    if figure.goal is None:
        return ""
    return f"{'≥' if figure.goal.is_least else '≤'} {in_unit(figure.goal.limit, figure.unit)}"
