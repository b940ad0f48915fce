"""The queue as plain Python has it: lists and loops, written from what is promised and not from the SQL."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain.wakeups import PRIORITY, Action, NewWakeup, Trigger

OUTSIDE = {Trigger.FILE, Trigger.WEBHOOK, Trigger.REDIS}
NEEDS_PAYLOAD = OUTSIDE | {Trigger.ROUTINE}
LEASE = timedelta(seconds=60)


@dataclass
class Row:
    """One wakeup."""

    id: str
    agent: str
    action: Action
    trigger: Trigger
    priority: int
    due: datetime
    max_attempts: int
    payloads: dict[str, Any]
    also: set[Trigger] = field(default_factory=set)
    status: str = "pending"
    attempts: int = 0
    lease: datetime | None = None
    was_deferred: bool = False
    into: str | None = None
    """Which one it became one with."""

    @property
    def is_under_way(self) -> bool:
        return self.status in ("pending", "processing")

    @property
    def triggers(self) -> set[Trigger]:
        return {self.trigger} | self.also

    def shown(self) -> tuple[object, ...]:
        """What can be compared to a row of the database."""
        return (
            self.id, self.agent, str(self.action), str(self.trigger), self.also, self.priority, self.status,
            self.due, self.attempts, self.max_attempts, self.payloads, self.lease,
        )  # fmt: skip


class QueueModel:
    """Rows in the order in which they were made, and which key stands for which."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.keys: dict[str, tuple[str, datetime | None]] = {}

    def get(self, row_id: str) -> Row:
        return next(row for row in self.rows if row.id == row_id)

    def enqueue(self, new: NewWakeup, row_id: str, now: datetime) -> tuple[str, bool]:
        """Id of the row that stands for the request, and whether it is new."""
        if new.idempotency_key in self.keys:
            held, until = self.keys[new.idempotency_key]
            row = self.get(held)
            if row.is_under_way or (until is not None and until > now and row.status != "failed"):
                return row.id, False
        waiting = self.waiting_wake(new.agent_id)
        merges = new.action is Action.WAKE and waiting is not None
        if merges and waiting is not None:
            self.merge(waiting, new.trigger, new.priority, new.scheduled_for, dict(new.context))
            row = waiting
        else:
            priority = PRIORITY[new.trigger] if new.priority is None else new.priority
            row = Row(
                row_id, new.agent_id, new.action, new.trigger, priority, new.scheduled_for, new.max_attempts,
                dict(new.context),
            )  # fmt: skip
            self.rows.append(row)
        if new.idempotency_key is not None:
            self.keys[new.idempotency_key] = (row.id, now + new.key_window if new.key_window else None)
        return row.id, not merges

    def waiting_wake(self, agent: str, but: str = "") -> Row | None:
        """There is never more than one, but for a moment."""
        found = [
            row
            for row in self.rows
            if (row.agent, row.action, row.status) == (agent, Action.WAKE, "pending") and row.id != but
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def merge(self, row: Row, trigger: Trigger, priority: int | None, due: datetime, payloads: dict[str, Any]) -> None:
        by_person = trigger is Trigger.MANUAL
        is_idle_signal = trigger in NEEDS_PAYLOAD and not payloads
        row_is_idle = row.triggers <= NEEDS_PAYLOAD and not row.payloads
        gets_around = trigger in OUTSIDE and row.was_deferred
        gets_around |= trigger in (Trigger.BUDGET_RESET, Trigger.LIMIT_RESET) and Trigger.MANUAL in row.triggers
        earlier = row.attempts == 0 and not gets_around and (not is_idle_signal or row_is_idle)
        if by_person or earlier:
            row.due = min(row.due, due)
        row.priority = max(row.priority, PRIORITY[trigger] if priority is None else priority)
        row.also |= {row.trigger, trigger}
        row.trigger = trigger if by_person else row.trigger
        row.also -= {row.trigger}
        row.payloads = {**row.payloads, **payloads}

    def absorb(self, row: Row) -> None:
        """A wake that has come back takes in the one that was asked for meanwhile."""
        other = self.waiting_wake(row.agent, but=row.id) if row.action is Action.WAKE else None
        if other is None:
            return
        trigger = Trigger.MANUAL if Trigger.MANUAL in other.triggers else other.trigger
        self.merge(row, trigger, other.priority, other.due, other.payloads)
        row.also = (row.triggers | other.triggers) - {row.trigger}
        other.status, other.into = "cancelled", row.id
        self.keys = {key: (row.id if held == other.id else held, until) for key, (held, until) in self.keys.items()}

    def claim(self, now: datetime, limit: int) -> list[str]:
        claimed: list[str] = []
        while len(claimed) < limit:
            busy = {row.agent for row in self.rows if row.status == "processing"}
            due = [row for row in self.rows if row.status == "pending" and row.due <= now and row.agent not in busy]
            if not due:
                break
            row = min(due, key=lambda one: (-one.priority, one.due, self.rows.index(one)))
            row.status, row.attempts, row.lease = "processing", row.attempts + 1, now + LEASE
            claimed.append(row.id)
        return claimed

    def complete(self, row: Row) -> None:
        row.status, row.lease = "completed", None

    def fail(self, row: Row, next_at: datetime | None) -> None:
        row.lease = None
        if next_at is None:
            row.status = "failed"
            return
        row.status, row.due = "pending", next_at
        self.absorb(row)

    def defer(self, row: Row, until: datetime) -> None:
        row.status, row.lease, row.due, row.attempts = "pending", None, until, row.attempts - 1
        row.was_deferred = True
        self.absorb(row)

    def expired(self, now: datetime) -> list[Row]:
        return [row for row in self.rows if row.lease is not None and row.lease <= now]

    def retry(self, row: Row, now: datetime, key: str | None) -> bool:
        holder = self.keys.get(key or "", ("", None))[0]
        is_taken = bool(holder) and holder != row.id and self.get(holder).is_under_way
        if row.status not in ("pending", "failed") or is_taken:
            return False
        if row.status == "failed":
            row.max_attempts = row.attempts + 5
        row.status, row.due = "pending", now
        row.also = (row.triggers | {Trigger.MANUAL}) - {row.trigger}
        if key is not None:
            self.keys[key] = (row.id, self.keys.get(key, ("", None))[1])
        self.absorb(row)
        return True
