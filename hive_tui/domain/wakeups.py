"""Wakeups: rows of the queue, and their attempts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from hive_tui.domain.errors import ErrorClass


class Action(StrEnum):
    """What a row of the queue asks for."""

    WAKE = "wake"
    NAP = "nap"
    CHECKPOINT = "checkpoint"
    CONSOLIDATE = "consolidate"


class Trigger(StrEnum):
    """Who or what asked."""

    MANUAL = "manual"
    GOAL = "goal"
    RECOVER = "recover"
    ASSIGNMENT = "assignment"
    LIMIT_RESET = "limit_reset"
    BUDGET_RESET = "budget_reset"
    ROUTINE = "routine"
    WEBHOOK = "webhook"
    REDIS = "redis"
    SCHEDULE = "schedule"
    FILE = "file"


PRIORITY: Mapping[Trigger, int] = {
    Trigger.MANUAL: 80,
    Trigger.GOAL: 75,
    Trigger.RECOVER: 75,
    Trigger.ASSIGNMENT: 70,
    Trigger.LIMIT_RESET: 65,
    Trigger.BUDGET_RESET: 65,
    Trigger.ROUTINE: 60,
    Trigger.WEBHOOK: 60,
    Trigger.REDIS: 60,
    Trigger.SCHEDULE: 50,
    Trigger.FILE: 40,
}
"""Priority of a wakeup by its trigger, 0 to 100; higher goes first."""

NOISY = frozenset({Trigger.FILE, Trigger.WEBHOOK, Trigger.REDIS})
"""Triggers that come in bursts, from outside."""


RESETS = frozenset({Trigger.BUDGET_RESET, Trigger.LIMIT_RESET})
"""Triggers that only say that an agent may go on; they move no timer of a person."""


class WakeupStatus(StrEnum):
    """`pending -> processing -> completed | failed | cancelled`; a failed attempt goes back to pending."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (WakeupStatus.PENDING, WakeupStatus.PROCESSING)


class Wakeup(Struct, frozen=True):
    """One request of the queue. Times are aware UTC."""

    id: str
    agent_id: str
    action: Action
    trigger: Trigger
    priority: int
    status: WakeupStatus
    scheduled_for: datetime
    """Not started before; moves forward with each failed attempt."""
    attempts: int
    """Attempts begun so far."""
    max_attempts: int
    idempotency_key: str | None
    context: Mapping[str, Any]
    claim_token: int
    """Counts the claims; a result under an older token is dropped."""
    created_at: datetime
    lease_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    last_error: str | None = None
    result: Mapping[str, Any] | None = None
    also: tuple[Trigger, ...] = ()
    """Triggers of the requests that were merged into it, other than its own."""
    last_asked_at: datetime | None = None
    """When the latest request was merged into it; None if there was only the first."""

    @property
    def triggers(self) -> frozenset[Trigger]:
        """All triggers that asked for it."""
        return frozenset((self.trigger, *self.also))

    @property
    def asked_at(self) -> datetime:
        """When it was asked for the last time."""
        return self.last_asked_at or self.created_at

    @property
    def is_finished(self) -> bool:
        """Whether no attempt will follow."""
        return self.status not in UNFINISHED

    @property
    def is_by_person(self) -> bool:
        """Whether a person at the keyboard asked for it, or for another attempt of it."""
        return Trigger.MANUAL in self.triggers

    @property
    def is_by_person_alone(self) -> bool:
        """Whether nothing but a person asked for it."""
        return self.triggers == {Trigger.MANUAL}


class NewWakeup(Struct, frozen=True):
    """What is asked of the queue; the store adds the rest."""

    agent_id: str
    trigger: Trigger
    scheduled_for: datetime
    action: Action = Action.WAKE
    priority: int | None = None
    """None takes the trigger's own priority."""
    idempotency_key: str | None = None
    """A request under the key of an unfinished wakeup is that wakeup."""
    key_window: timedelta | None = None
    """So long after it was asked for, the key stands for its wakeup also once that has ended, unless it failed."""
    max_attempts: int = 5
    context: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[Trigger, ...] = ()
    """What else asked for it, where several requests had become one."""

    @property
    def given_priority(self) -> int:
        """Its own priority, or that of its trigger."""
        return PRIORITY[self.trigger] if self.priority is None else self.priority


MESSAGE, MESSAGES = "message", "messages"
"""Keys of a context: what is to be said to the agent, once or several times."""


def messages_of(context: Mapping[str, Any]) -> tuple[str, ...]:
    """What is to be said to the agent, in the order in which it was asked for."""
    several = context.get(MESSAGES)
    if isinstance(several, list | tuple):
        return tuple(str(one) for one in several)
    return (str(context[MESSAGE]),) if context.get(MESSAGE) else ()


ON_RESUME = "on_resume"
"""Key of a context: what is said to the agent if this wakeup itself has started it, and no person asked for that."""
GOAL_ANCESTRY = "goal_ancestry"
"""Key of a context: a list of chains, each from a goal down to a task that the agent is woken for."""


def chains_of(context: Mapping[str, Any]) -> list[Any]:
    """The chains of the context, in the order in which they were asked for; none is empty."""
    found = context.get(GOAL_ANCESTRY)
    return [chain for chain in found if chain] if isinstance(found, list | tuple) else []


def merged_context(first: Mapping[str, Any], second: Mapping[str, Any], *, is_noisy: bool = False) -> dict[str, Any]:
    """Both contexts: of other facts the later one counts, of messages and of chains every one is kept.

    Args:
        first: What waits.
        second: What is asked for now.
        is_noisy: A source that asks in bursts asks now: what it has said already is not said again.
    """
    chains = chains_of(first)
    chains += [chain for chain in chains_of(second) if chain not in chains]
    others = {**first, **second}
    if AFTER in others and AFTER not in second:
        del others[AFTER]  # whoever asks now is there
    said = messages_of(first)
    new = [one for one in messages_of(second) if not (is_noisy and one in said)]
    return context_saying(others, [*said, *new], chains)


def context_saying(others: Mapping[str, Any], messages: Sequence[str], chains: Sequence[Any]) -> dict[str, Any]:
    """A context with these messages and chains, and with all other facts of `others`."""
    said = (MESSAGE, MESSAGES, GOAL_ANCESTRY)
    context = {key: value for key, value in others.items() if key not in said}
    if len(messages) == 1:
        context[MESSAGE] = messages[0]
    elif messages:
        context[MESSAGES] = list(messages)
    if chains:
        context[GOAL_ANCESTRY] = list(chains)
    return context


AFTER, RESTORE = "after", "restore"
"""Key and value of the context of the wake that ends a restore."""


def is_unattended(wakeup: Wakeup) -> bool:
    """Whether nobody is there to be asked: a person began what asks for it now, and has gone on."""
    return not wakeup.is_by_person or wakeup.context.get(AFTER) == RESTORE


BOOKKEEPING = frozenset({"confirmed", "source", "routine", "window_id", "delivery"})
"""Keys of a context that say how a request came, and nothing that an agent could act upon."""
EMPTY: tuple[object, ...] = (None, "", [], (), {})


def has_payload(context: Mapping[str, Any]) -> bool:
    """Whether the context holds anything that an agent could act upon: a message, a task, or facts of an event."""
    return any(value not in EMPTY for key, value in context.items() if key not in BOOKKEEPING)


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    DEFERRED = "deferred"
    """Not the time for it; not counted. Deferrals for one reason in a row are one, from the first to the last."""


class Attempt(Struct, frozen=True):
    """One run of a wakeup."""

    wakeup_id: str
    number: int
    """Place among the runs of its wakeup, from 1; deferred ones, which count as no attempt, have theirs too."""
    started_at: datetime
    finished_at: datetime | None = None
    outcome: Outcome | None = None
    """None while it runs."""
    verdict: str | None = None
    """What the gate said: `wake`, `skip` or `defer`, with its rule and reason."""
    error: str | None = None
    next_at: datetime | None = None
    """When the next attempt is due, after a failed one that is not the last."""
    error_class: ErrorClass | None = None
    """Of a failed attempt: whether trying again may help."""


NEEDS_SOMETHING_TO_DO = NOISY | {Trigger.ROUTINE}
"""Wakes by these alone are for nothing where there is no payload, no message and no open task."""


def is_actionable(wakeup: Wakeup, *, has_open_tasks: bool) -> bool:
    """Whether the agent would find something to do. A timer, a person and whoever gave a task know why they ask."""
    return not wakeup.triggers <= NEEDS_SOMETHING_TO_DO or has_open_tasks or has_payload(wakeup.context)
