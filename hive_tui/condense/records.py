"""What a transcript says, in one form for all kinds of agents."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

MOST_REASONS = 100


class Says(StrEnum):
    """Who says a record, or what it tells."""

    USER = "user"
    AGENT = "agent"
    CALL = "call"
    """The agent uses a tool."""
    RESULT = "result"
    """What the tool gave back."""
    PLACE = "place"
    """Where the agent works from now on: `cwd` and `branch` among the arguments."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was said or done."""

    says: Says
    text: str
    line: int
    """The line of the transcript that it stands on, counted from 1."""
    at: datetime | None = None
    """Aware; None where the transcript does not tell."""
    tool: str = ""
    """Of a call: the tool's name, as the agent's kind has it."""
    call_id: str = ""
    """Ties a result to its call."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    """Of a result: how the command ended; None where nothing tells."""
    failed: bool = False
    """Of a result: whether the tool says that it failed."""


@dataclass(slots=True)
class Reading:
    """What became of the lines of one transcript."""

    lines: int = 0
    size_bytes: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Lines, or parts of them, that tell nothing to us, counted by reason."""

    def skip(self, reason: str) -> None:
        """One more line that is not used, and why."""
        known = reason in self.skipped or len(self.skipped) < MOST_REASONS
        self.skipped[reason if known else "for other reasons"] += 1
