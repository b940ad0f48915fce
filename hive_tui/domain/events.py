"""What can happen in a hive. An event says that something changed; readers look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """Names in the event log; they may grow and never change."""

    AGENT_FOUND = "agent.found"
    AGENT_ADOPTED = "agent.adopted"
    AGENT_RENAMED = "agent.renamed"
    AGENT_FORGOTTEN = "agent.forgotten"
    AGENT_NAPPING = "agent.napping"
    AGENT_SLEEPING = "agent.sleeping"
    AGENT_NAP_REFUSED = "agent.nap_refused"
    AGENT_NAP_ANNOUNCED = "agent.nap_announced"
    AGENT_NAP_STOPPED = "agent.nap_stopped"
    AGENT_WAKING = "agent.waking"
    AGENT_AWAKE = "agent.wakeup"
    AGENT_NEEDS_YOU = "agent.needs_you"
    AGENT_ENDED = "agent.ended"
    AGENT_CRASHED = "agent.crashed"
    AGENT_STALE = "agent.stale"
    AGENT_BUDGET_EXCEEDED = "agent.budget_exceeded"
    AGENT_BUDGET_UPDATED = "agent.budget_updated"
    AGENT_PINNED = "agent.pinned"
    AGENT_HELD = "agent.held"
    AGENT_BUDGET_WARNING = "agent.budget_warning"
    CHECKPOINT_TAKEN = "checkpoint.taken"
    CHECKPOINT_FAILED = "checkpoint.failed"
    CHECKPOINT_INVALID = "checkpoint.invalid"
    CHECKPOINT_SKIPPED = "checkpoint.skipped"
    CHECKPOINT_PRUNED = "checkpoint.pruned"
    CHECKPOINT_DELETED = "checkpoint.deleted"
    CHECKPOINT_IMPORTED = "checkpoint.imported"
    CHECKPOINT_PROVEN = "checkpoint.proven"
    CHECKPOINT_UNPROVEN = "checkpoint.unproven"
    CATALOG_MENDED = "catalog.mended"
    CATALOG_FULL = "catalog.full"
    OFFSITE_COPIED = "offsite.copied"
    OFFSITE_FAILED = "offsite.failed"
    OFFSITE_FETCHED = "offsite.fetched"
    OFFSITE_DAMAGED = "offsite.damaged"
    WAKEUP_SCHEDULED = "wakeup.scheduled"
    WAKEUP_STARTED = "wakeup.started"
    WAKEUP_COMPLETED = "wakeup.completed"
    WAKEUP_RETRY = "wakeup.retry"
    WAKEUP_FAILED = "wakeup.failed"
    WAKEUP_CANCELLED = "wakeup.cancelled"
    TASK_ADDED = "task.added"
    TASK_CHANGED = "task.changed"
    TASK_ASSIGNED = "task.assigned"
    TASK_STATE = "task.state"
    RESTORE_DONE = "restore.done"
    RESTORE_FAILED = "restore.failed"
    RECOVERED = "hive.recovered"
    REDIS_TROUBLE = "redis.trouble"
    SOURCE_TROUBLE = "source.trouble"
    SOURCE_BACK = "source.back"
    SOURCE_REFUSED = "source.refused"
    CLOCK_STEPPED = "clock.stepped"
    WINDOW_BEGAN = "schedule.began"
    WINDOW_ENDED = "schedule.ended"
    WINDOW_MISSED = "schedule.missed"
    WINDOW_CHANGED = "schedule.changed"
    BACKUP_TAKEN = "backup.taken"
    BACKUP_FAILED = "backup.failed"
    STEP_FAILED = "heartbeat.step_failed"
    TMUX_LOST = "tmux.lost"
    TMUX_BACK = "tmux.back"


class Severity(StrEnum):
    """How loud an event is; a failure reaches the desktop."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"


class ActorKind(StrEnum):
    """What kind of actor did it."""

    PERSON = "person"
    HEARTBEAT = "heartbeat"
    OBSERVER = "observer"
    SOURCE = "source"
    """Something outside that may ask for wakes: Redis, a changed file, a webhook."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person at the keyboard, or a part of the hive."""

    kind: ActorKind
    name: str

    @classmethod
    def person(cls, name: str = "you") -> "Actor":
        """A person, at a screen or in a shell."""
        return cls(ActorKind.PERSON, name)


HEARTBEAT = Actor(ActorKind.HEARTBEAT, "heartbeat")
OBSERVER = Actor(ActorKind.OBSERVER, "observer")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    kind: EventKind
    text: str
    """One sentence for a person."""
    agent_id: str | None = None
    actor: Actor = HEARTBEAT
    severity: Severity = Severity.INFO
    payload: Mapping[str, Any] = field(default_factory=dict)
