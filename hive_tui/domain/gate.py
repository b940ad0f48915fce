"""The gate: rules that decide, without asking any model, whether a due wakeup starts its agent."""

from dataclasses import dataclass
from enum import StrEnum

from hive_tui.domain.wakeups import Wakeup


class Decision(StrEnum):
    """What becomes of a wakeup that is due."""

    WAKE = "wake"
    SKIP = "skip"
    """Completed without doing anything."""
    DEFER = "defer"
    """Left in the queue; not counted as an attempt."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the rule that made it."""

    decision: Decision
    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.decision}: {self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the rules look at."""

    is_paused: bool
    """Whether the person has switched all automatic actions off."""
    is_awake: bool
    """Whether the agent's process runs with its conversation."""
    is_held: bool = False
    """Whether the person wants to wake this agent alone."""


def judge(wakeup: Wakeup, facts: GateFacts) -> Verdict:
    """Apply the rules in order; the first that speaks decides."""
    if facts.is_paused and not wakeup.is_by_person:
        return Verdict(Decision.DEFER, "pause switch", "all automatic actions are paused")
    if facts.is_held and not wakeup.is_by_person and not facts.is_awake:
        return Verdict(Decision.DEFER, "held", "only a person wakes this agent")
    if facts.is_awake:
        return Verdict(Decision.SKIP, "already awake", "the agent runs with this conversation")
    return Verdict(Decision.WAKE, "due", f"asked for by {wakeup.trigger}")
