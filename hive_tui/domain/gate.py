"""The gate: rules that decide, without asking any model, whether a due wakeup starts its agent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hive_tui.domain.breaker import Breaker
from hive_tui.domain.durations import counted
from hive_tui.domain.wakeups import NOISY, Trigger, Wakeup, is_actionable, is_unattended, messages_of

AWAKE, STAGGER, UNATTENDED, HELD, BUDGET = "already awake", "stagger", "unattended", "held", "budget"
"""Rules that others ask for by name."""
NIGHT = timedelta(hours=12)
"""So long nobody may look after what wakes by itself."""
SKIPS_COOLDOWN = frozenset({Trigger.RECOVER})
"""A crash after a wake is mended at once."""


def by_hand(name: str) -> str:
    """How a person wakes an agent that no rule may wake now."""
    return f"`hive-tui wake {name}`, or w in the dashboard, wakes it now"


class Decision(StrEnum):
    """What becomes of a wakeup that is due."""

    WAKE = "wake"
    SKIP = "skip"
    """Completed without doing anything."""
    DEFER = "defer"
    """Left in the queue; not counted as an attempt."""
    ASK = "ask"
    """Nothing is done until a person says yes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the rule that made it."""

    decision: Decision
    rule: str
    reason: str
    until: datetime | None = None
    """When to judge again what is deferred or was asked for by others, too; None for a moment later."""

    def __str__(self) -> str:
        return f"{self.decision}: {self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """How long the rules wait; 0 switches a rule off."""

    debounce_s: float = 2.0
    """Seconds without another request after which a burst from outside counts as over."""
    debounce_most_s: float = 30.0
    """Seconds after which a burst that does not end is taken as it is."""
    cooldown_s: float = 30.0
    """Seconds after a wake in which nothing but a person or a recovery wakes the agent again."""
    duplicate_s: float = 60.0
    """Seconds after a wake in which an event that says the same is taken for the same."""
    stagger_s: float = 10.0
    """Seconds over which wakes of several agents at the same time are spread."""
    most_unattended_wakes: int = 20
    """Agents that are woken after their usage limit within `NIGHT` while no person asks."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an agent may not spend anything now."""

    reason: str
    until: datetime | None = None
    """When that changes by itself; None if nobody knows."""


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the rules look at. Times are aware UTC."""

    now: datetime
    is_paused: bool = False
    """Whether the person has switched all automatic actions off."""
    is_awake: bool = False
    """Whether the agent's process runs with its conversation."""
    is_held: bool = False
    """Whether the person wants to wake this agent alone."""
    over_budget: Refused | None = None
    """Why the agent may not spend anything now; None if it may."""
    repeats: str = ""
    """Id of a wakeup that has just done the same; empty for none."""
    woken_at: datetime | None = None
    """When the agent was last woken."""
    has_open_tasks: bool = False
    """Whether a task of the agent is open or under way."""
    breaker: Breaker = field(default_factory=Breaker)
    other_started_at: datetime | None = None
    """When another agent was last woken by no person."""
    was_staggered: bool = False
    """Whether this wakeup has waited for its turn already."""
    unattended_at: tuple[datetime, ...] = ()
    """When agents were woken after their usage limit within `NIGHT`, the first one first."""
    share: float = 0.0
    """Drawn evenly from 0 to 1: where in the spread this wake lands."""


Rule = Callable[[Wakeup, GateFacts, GatePolicy], Verdict | None]


def judge(wakeup: Wakeup, facts: GateFacts, policy: GatePolicy) -> Verdict:
    """Apply the rules in order; the first that speaks decides."""
    for rule in RULES:
        verdict = rule(wakeup, facts, policy)
        if verdict is not None:
            return verdict
    asked = ", ".join([wakeup.trigger, *(one for one in wakeup.also if one is not wakeup.trigger)])
    return Verdict(Decision.WAKE, "due", f"asked for by {asked}")


def _pause_switch(wakeup: Wakeup, facts: GateFacts, _: GatePolicy) -> Verdict | None:
    if facts.is_paused and not wakeup.is_by_person:
        return Verdict(Decision.DEFER, "pause switch", "all automatic actions are paused")
    return None


def _held(wakeup: Wakeup, facts: GateFacts, _: GatePolicy) -> Verdict | None:
    if facts.is_held and not wakeup.is_by_person and not facts.is_awake:
        return Verdict(Decision.DEFER, HELD, "only a person wakes this agent")
    return None


def _budget(wakeup: Wakeup, facts: GateFacts, _: GatePolicy) -> Verdict | None:
    refused = facts.over_budget
    if refused is None or wakeup.context.get("confirmed"):
        return None
    if not is_unattended(wakeup):
        return Verdict(Decision.ASK, BUDGET, refused.reason, refused.until)
    return Verdict(Decision.DEFER, BUDGET, refused.reason, refused.until)


def _already_awake(wakeup: Wakeup, facts: GateFacts, policy: GatePolicy) -> Verdict | None:
    if not facts.is_awake:
        return None
    # It is told what was asked for, and each telling is a turn: of a burst, one.
    burst = _debounce(wakeup, facts, policy) if messages_of(wakeup.context) else None
    return burst or Verdict(Decision.SKIP, AWAKE, "the agent runs with this conversation")


def _duplicate(wakeup: Wakeup, facts: GateFacts, _: GatePolicy) -> Verdict | None:
    if facts.repeats and wakeup.triggers <= NOISY:
        return Verdict(Decision.SKIP, "duplicate", f"the wake {facts.repeats[:8]} has just done the same")
    return None


def _debounce(wakeup: Wakeup, facts: GateFacts, policy: GatePolicy) -> Verdict | None:
    if not wakeup.triggers <= NOISY:
        return None
    quiet_at = wakeup.asked_at + timedelta(seconds=policy.debounce_s)
    until = min(quiet_at, wakeup.created_at + timedelta(seconds=policy.debounce_most_s))
    if wakeup.asked_at <= facts.now < until:
        return Verdict(Decision.DEFER, "debounce", "more of the same may follow at once", until)
    return None


def _cooldown(wakeup: Wakeup, facts: GateFacts, policy: GatePolicy) -> Verdict | None:
    if facts.woken_at is None or wakeup.is_by_person or wakeup.triggers & SKIPS_COOLDOWN:
        return None
    until = facts.woken_at + timedelta(seconds=policy.cooldown_s)
    if facts.woken_at <= facts.now < until:
        return Verdict(Decision.DEFER, "cooldown", "the agent was woken a moment ago", until)
    return None


def _actionable(wakeup: Wakeup, facts: GateFacts, _: GatePolicy) -> Verdict | None:
    if is_actionable(wakeup, has_open_tasks=facts.has_open_tasks):
        return None
    return Verdict(Decision.SKIP, "actionable", "there is no payload, no message and no open task")


def _breaker(wakeup: Wakeup, facts: GateFacts, _: GatePolicy) -> Verdict | None:
    if not facts.breaker.is_open(facts.now) or wakeup.is_by_person:
        return None
    until = facts.breaker.open_until
    reason = f"{facts.breaker.failures} attempts in a row have failed; one more is made at {until:%H:%M:%S} UTC"
    return Verdict(Decision.DEFER, "breaker", reason, until)


def _unattended(wakeup: Wakeup, facts: GateFacts, policy: GatePolicy) -> Verdict | None:
    """What goes on after its limit may run into the next one, and so on, for nothing, all night."""
    known = facts.unattended_at
    if wakeup.triggers != {Trigger.LIMIT_RESET} or len(known) < policy.most_unattended_wakes:
        return None
    if not policy.most_unattended_wakes:
        reason = "by the settings a person wakes agents after their usage limit"
        return Verdict(Decision.DEFER, UNATTENDED, reason)
    until = known[-policy.most_unattended_wakes] + NIGHT
    agents = f"{counted(len(known), 'agent')} {'was' if len(known) == 1 else 'were'}"
    said = f"{agents} woken after a usage limit within {NIGHT.seconds // 3600} hours already"
    return Verdict(Decision.DEFER, UNATTENDED, f"{said}; a person may wake more", until)


def _stagger(wakeup: Wakeup, facts: GateFacts, policy: GatePolicy) -> Verdict | None:
    """Once for each wakeup, so that none waits longer than the whole spread."""
    if facts.other_started_at is None or facts.was_staggered or wakeup.is_by_person:
        return None
    spread = timedelta(seconds=policy.stagger_s)
    if timedelta(0) <= facts.now - facts.other_started_at < spread:
        until = facts.now + spread * facts.share
        return Verdict(Decision.DEFER, STAGGER, "other agents wake at the same time", until)
    return None


RULES: tuple[Rule, ...] = (
    _pause_switch, _held, _budget, _already_awake, _duplicate, _debounce, _cooldown, _actionable, _breaker, _unattended,
    _stagger,
)  # fmt: skip
