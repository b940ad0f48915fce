"""When an agent last gave a sign of life, and when its silence is worth a word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hive_tui.domain.agents import Activity, Agent, Lifecycle

BUSY_SHARE = 0.02
"""Share of a core from which an agent counts as alive: one that only blinks its cursor uses less."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life."""

    at: datetime
    """Aware UTC."""
    by: str
    """What it was, in words."""


def last_of(signs: Iterable[Sign | None]) -> Sign | None:
    """The latest one; None if there is none."""
    return max((one for one in signs if one is not None), key=lambda one: one.at, default=None)


def is_stale(agent: Agent, last: Sign, now: datetime, after: timedelta) -> bool:
    """Whether the agent should work, and has been silent for so long.

    One that waits for a person or for its limit, or is idle, has every right to be silent.
    """
    return agent.activity is Activity.WORKING and agent.lifecycle is Lifecycle.AWAKE and now - last.at >= after
