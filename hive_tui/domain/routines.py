"""Recurring routines: what an agent is to do, or is woken for, again and again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hive_tui.domain.recurrence import Recurrence, parse_recurrence
from hive_tui.domain.schedule import Backfill, parse_backfill

GRACE = timedelta(minutes=2)
"""A run that is dealt with later than that was missed, and is made up for as the routine says."""
LOOK_BACK = timedelta(days=8)
"""Runs that are missed for longer than that are forgotten."""
MOST_OPEN = 20
"""While so many tasks of a routine are unfinished, it makes no more."""
MOST_NOTED = 100
"""So many missed runs, the latest, are written down one by one."""


class RunOutcome(StrEnum):
    """What became of one run of a routine."""

    DONE = "done"
    LATE = "late"
    """Made up for, because nothing ran when it was due."""
    MISSED = "missed"
    HELD = "held"
    """Nothing was made of it: its agent or its goal is gone, or too many of its tasks wait."""


@dataclass(frozen=True, slots=True)
class Routine:
    """Times are aware UTC."""

    id: str
    name: str
    agent_id: str
    every: str
    """As `domain.recurrence` reads it, with its zone."""
    created_at: datetime
    since_at: datetime
    """When it was last enabled: runs before that are none of its, and spans are counted from there."""
    goal: str | None = None
    """The goal of the task that each run makes; None for a routine that only wakes its agent."""
    title: str | None = None
    parent_id: str | None = None
    """The goal of which its tasks are parts."""
    message: str | None = None
    """What a routine that only wakes says to its agent."""
    backfill: str = "once"
    """`skip`, `once` or `all(n)`."""
    active: bool = True

    @property
    def recurrence(self) -> Recurrence:
        """When it comes."""
        return parse_recurrence(self.every, "UTC")

    @property
    def made_up_for(self) -> Backfill:
        """What becomes of missed runs."""
        return parse_backfill(self.backfill)

    def key_of(self, due_at: datetime) -> str:
        """The idempotency key of one run's task or wake."""
        return f"routine:{self.id}:{due_at:%Y%m%dT%H%M%SZ}"


def checked_every(text: str, zone: str) -> str:
    """The text as a routine keeps it.

    Raises:
        HiveError: It does not say how often.
    """
    return parse_recurrence(text, zone).text
