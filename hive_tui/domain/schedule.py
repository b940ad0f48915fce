"""Daily sleep windows, and what becomes of edges that nobody was there for."""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from hive_tui.domain.errors import HiveError

T = TypeVar("T")


class SleepWindow(Struct, frozen=True):
    """A daily span in which agents sleep. May cross midnight."""

    id: str
    agent_id: str | None
    """None for all agents."""
    start_time: str = "02:00"
    """Local wall time in `timezone`, HH:MM."""
    end_time: str = "04:00"
    timezone: str = "UTC"
    """IANA name."""
    active: bool = False
    """A new window sleeps nobody until a person enables it."""
    since_at: datetime | None = None
    """When it was last enabled or changed, aware UTC: edges before that are none of its. None for no limit."""


class TickOutcome(StrEnum):
    """What became of an edge."""

    DONE = "done"
    LATE = "late"
    """Made up for, because nothing ran when it was due."""
    MISSED = "missed"


class Backfill(Struct, frozen=True):
    """How many missed edges of a kind are made up for; `skip`, `once` or `all(n)` in the settings."""

    most: int = 1

    def of(self, missed: Sequence[T]) -> Sequence[T]:
        """Those of the missed ones, oldest first, that are made up for: the latest."""
        return missed[max(0, len(missed) - self.most) :]


def parse_backfill(text: str) -> Backfill:
    """The policy that is written like that.

    Raises:
        HiveError: It is none.
    """
    named = {"skip": 0, "once": 1}
    match = re.fullmatch(r"all\(([1-9]\d{0,2})\)", text)
    if text not in named and match is None:
        raise HiveError(f"{text!r} is not a way to make up for missed times.", hint="Write skip, once or all(7).")
    return Backfill(named[text] if match is None else int(match[1]))
