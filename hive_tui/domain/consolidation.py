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
    """The conversation can be searched. It waits for no ledger, so both are made at once where there are cores."""
    AUDIT = "audit"
    """The ledger is what was written, points into the transcript and shows no secret: now it can be searched, too."""
    PROSE = "prose"
    """A model shortens what is prose in the ledger, where a person has chosen one."""
    VECTORS = "vectors"
    """What was said can be found in other words, where a person has chosen a model for that. No stage waits for it."""


class StageStatus(StrEnum):
    """`pending -> running -> done | failed`; a failed attempt goes back to pending until there were enough."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


BUILT_IN = (Stage.SNAPSHOT, Stage.COMPRESS, Stage.INDEX, Stage.AUDIT)
"""Those that need no network."""
FINISHED = frozenset({StageStatus.DONE, StageStatus.FAILED, StageStatus.SKIPPED})
CORELESS = frozenset({Stage.SNAPSHOT, Stage.PROSE, Stage.VECTORS})
"""A look into the catalog, and questions to a model: they need no core."""
ASKING = frozenset({Stage.PROSE, Stage.VECTORS})
"""They wait for a model, each for another one: one of each runs at once, beside those that work."""
RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Used:
    """CPU of one attempt, in seconds. This is the one place that says what is allotted and what is used.

    At most `consolidation.cores` cores are taken at a time. A stage takes one for as long as it lasts, with the start
    of its process, its waits for the disk and its waits for a core that the machine has given to others. While it
    condenses a long conversation it takes each further core that no stage waits for, one shard at a time, and gives
    it back. No stage can use more: what reads a conversation in its order, indexes or audits it is one process.
    A core that no due stage can take is not allotted; whoever waits for a model takes none.
    """

    cpu_s: float
    """User and system time of its processes, also of those that it has waited for; 0 where it failed and told none."""
    allotted_s: float
    """The sum of the times for which it had each of its cores."""


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
    progress: float = 0.0
    """How much of it is done: 0 to 1."""

    @property
    def session_id(self) -> str:
        """Of the conversation that it is about."""
        return self.source.rpartition(":")[0]


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When a stage that has failed so often is tried again; None to give up."""
    return now + RETRIES[attempts - 1] if attempts <= len(RETRIES) else None
