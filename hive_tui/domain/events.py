"""What can happen in a hive. An event says that something changed; readers look again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field


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
    AGENT_DONE = "agent.done"
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
    WAKEUP_HELD_BACK = "wakeup.held_back"
    WAKEUP_DEFERRED = "wakeup.deferred"
    WAKEUP_CANCELLED = "wakeup.cancelled"
    TASK_ADDED = "task.added"
    TASK_CHANGED = "task.changed"
    TASK_ASSIGNED = "task.assigned"
    TASK_STATE = "task.state"
    EFFECT_BEGUN = "effect.begun"
    EFFECT_DONE = "effect.done"
    EFFECT_FAILED = "effect.failed"
    EFFECT_UNKNOWN = "effect.unknown"
    EFFECT_RESOLVED = "effect.resolved"
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
    ROUTINE_CHANGED = "routine.changed"
    ROUTINE_MISSED = "routine.missed"
    ROUTINE_HELD = "routine.held"
    MONITOR_STARTED = "idle_monitor.started"
    IDLE_SLEEP_CHANGED = "idle_sleep.changed"
    SERVICE_IDLE = "service.idle"
    SERVICE_STOPPED = "service.stopped"
    SERVICE_STARTED = "service.started"
    SERVICE_FAILED = "service.failed"
    SERVICE_ENDED = "service.ended"
    SERVICE_CHANGED = "service.changed"
    MODEL_EXPIRED = "model.expired"
    MODEL_UNLOADED = "model.unloaded"
    MODEL_LOADED = "model.loaded"
    MODEL_RELOADED = "model.reloaded"
    MODEL_FAILED = "model.failed"
    BACKUP_TAKEN = "backup.taken"
    BACKUP_FAILED = "backup.failed"
    ALERT_FAILED = "alert.failed"
    STEP_FAILED = "heartbeat.step_failed"
    TMUX_LOST = "tmux.lost"
    TMUX_BACK = "tmux.back"
    HTTP_OPENED = "http.opened"
    HTTP_REFUSED = "http.refused"
    HTTP_FAILED = "http.failed"


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
    API = "api"
    """A program that asks by HTTP."""


class Actor(Struct, frozen=True):
    """Who did it: a person at the keyboard, or a part of the hive."""

    kind: ActorKind
    name: str

    @classmethod
    def person(cls, name: str = "you") -> "Actor":
        """A person, at a screen or in a shell."""
        return cls(ActorKind.PERSON, name)


HEARTBEAT = Actor(ActorKind.HEARTBEAT, "heartbeat")
OBSERVER = Actor(ActorKind.OBSERVER, "observer")


class Event(Struct, frozen=True):
    """One thing that happened."""

    kind: EventKind
    text: str
    """One sentence for a person."""
    agent_id: str | None = None
    actor: Actor = HEARTBEAT
    severity: Severity = Severity.INFO
    payload: Mapping[str, Any] = field(default_factory=dict)
