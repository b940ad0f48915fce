"""What is done with a conversation while its agent sleeps: stages in a row, none of which a wake waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """In their order."""

    SNAPSHOT = "snapshot"
    """The transcript is there, and a verified checkpoint holds it."""
    COMPRESS = "compress"
    """The ledger is made from it."""
    INDEX = "index"
    """Conversation and ledger can be searched."""
    AUDIT = "audit"
    """The ledger holds what it must and shows no secret; the transcript is as it was."""


class StageStatus(StrEnum):
    """`pending -> running -> done | failed`; a failed attempt goes back to pending until there were enough."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


FINISHED = frozenset({StageStatus.DONE, StageStatus.FAILED, StageStatus.SKIPPED})
RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Used:
    """CPU of one attempt, in seconds."""

    cpu_s: float
    """What it has used, if it told."""
    allotted_s: float
    """What it could have used meanwhile: one core for as long as it ran."""


@dataclass(frozen=True, slots=True)
class StageRun:
    """One stage for one state of one conversation. Times are aware UTC."""

    id: int
    agent_id: str
    source: str
    """Which conversation, and how long it was: the same one is not worked on twice."""
    stage: Stage
    status: StageStatus
    attempts: int
    due_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    cpu_s: float = 0.0
    """Of all attempts; see `Used`."""
    allotted_s: float = 0.0

    @property
    def session_id(self) -> str:
        """Of the conversation that it is about."""
        return self.source.rpartition(":")[0]


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When a stage that has failed so often is tried again; None to give up."""
    return now + RETRIES[attempts - 1] if attempts <= len(RETRIES) else None
