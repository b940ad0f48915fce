"""Within a sleep window, an agent that something but a person has woken, and that rests again, naps again."""

import sqlite3
from datetime import datetime, timedelta

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.wakeups import Wakeup
from hive_tui.domain.windows import Night, open_night
from hive_tui.store import agents as agent_store
from hive_tui.store import windows

RESTED = timedelta(minutes=5)
"""So long it has been idle: what it was woken for may come in several turns."""


def agents_to_nap(
    db: sqlite3.Connection, window: SleepWindow, now: datetime
) -> tuple[Night | None, list[tuple[Agent, Wakeup]]]:
    """The night that is open, and who is to nap again in it, each with the wake that speaks for it.

    Nobody whom a person has woken: that person knows of the window. Nobody who was awake all the time, either: a nap
    that was vetoed is tried again by itself.
    """
    night = open_night(window, now) if window.active else None
    # Not in the middle of a night in which it was enabled.
    if night is None or (window.since_at is not None and window.since_at > night.start_at):
        return None, []
    found = []
    for agent in agent_store.everyone(db):
        if window.agent_id in (None, agent.id) and _rests(agent, now):
            wake = windows.last_wake(db, agent.id, since=night.start_at)
            if wake is not None and not wake.is_by_person:
                found.append((agent, wake))
    return night, found


def _rests(agent: Agent, now: datetime) -> bool:
    may_nap = agent.session_id is not None and not (agent.pinned or agent.held)
    is_idle = agent.lifecycle is Lifecycle.AWAKE and agent.activity is Activity.IDLE
    return may_nap and is_idle and now - agent.since_at >= RESTED
