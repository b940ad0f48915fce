"""Looks whether agents have made a commit twice after a wake: the mark of work that was done again."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from hive_tui.adapters.git.duplicates import Commits, commits_between
from hive_tui.domain import metrics as known
from hive_tui.domain.agents import Agent
from hive_tui.domain.counting import Gain, parts
from hive_tui.domain.errors import HiveError
from hive_tui.domain.ports import Clock
from hive_tui.store import agents as agent_store
from hive_tui.store import metrics
from hive_tui.store.database import Database
from hive_tui.store.metrics import Addition, OpenWake


class CommitChecks:
    """Once for each wake, when its agent naps again or its time is up. Git may take a while: not on the heartbeat."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        look: Callable[[str, datetime, datetime], Commits | None] = commits_between,
    ) -> None:
        self._database = database
        self._clock = clock
        self._look = look

    def due(self) -> list[tuple[OpenWake, datetime]]:
        """Wakes whose time is over, and when it was over."""
        return self._database.read(_due, now=self._clock.now())

    def check_due(self) -> int:
        """Look at all of them; how many that were. A folder without git, or with a broken one, counts nothing."""
        due = self.due()
        for wake, until in due:
            try:
                agent: Agent | None = self._database.read(agent_store.get, wake.agent_id)
            except HiveError:
                agent = None
            found = self._look(agent.cwd, wake.woken_at, until) if agent else None
            self._database.write(_enter, wake, found, at=until)
        return len(due)


def _due(db: sqlite3.Connection, *, now: datetime) -> list[tuple[OpenWake, datetime]]:
    found = []
    for wake in metrics.open_wakes(db):
        limit = wake.woken_at + known.COMMITS_WITHIN
        slept_at = metrics.slept_at(db, wake.agent_id, after=wake.woken_at)
        until = min(limit, slept_at) if slept_at else limit
        if wake.is_judged and until <= now:
            found.append((wake, until))
    return found


def _enter(db: sqlite3.Connection, wake: OpenWake, found: Commits | None, *, at: datetime) -> None:
    if not metrics.close_wake(db, wake.wakeup_id) or found is None:
        return
    gains = (Gain(known.COMMIT, found.made), Gain(known.DUPLICATE_COMMIT, found.duplicates))
    metrics.add(
        db, [Addition(name, value, at, wake.agent_id, labels) for gain in gains for name, labels, value in parts(gain)]
    )
