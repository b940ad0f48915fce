"""Old checkpoints live in the second place only, where the settings say so."""

import sqlite3
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hive_tui.adapters.reading import nobody_reads
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import AgentBusy, HiveError
from hive_tui.domain.ports import Clock, Locks
from hive_tui.services.offsite import Offsite
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal
from hive_tui.store.database import Database

FETCHED_STAYS = timedelta(days=1)
"""What was fetched, or looked at, is not removed again before."""


class Thinning:
    """Removes local files whose copy was read back in full right before.

    Args:
        after: Age from which on a checkpoint lives there only; None for never.
        keep: So many newest checkpoints of each agent stay here, for wakes.
    """

    def __init__(
        self, database: Database, offsite: Offsite, locks: Locks, clock: Clock, *, after: timedelta | None, keep: int
    ) -> None:
        self._database = database
        self._offsite = offsite
        self._locks = locks
        self._clock = clock
        self._after = after
        self._keep = keep

    def run(self) -> int:
        """Remove what may go; how many files. What cannot be read back there stays here."""
        if self._after is None:
            return 0
        removed = 0
        with suppress(HiveError):  # the place has failed; its own next try tells it
            for one in self.spare():
                if self._offsite.holds(one):
                    removed += self._remove(one)
        return removed

    def spare(self) -> list[Checkpoint]:
        """Local files that are old enough, and that no wake is likely to ask for; the oldest first."""
        if self._after is None:
            return []
        catalog, needed = self._database.read(_situation)
        now = self._clock.now()
        return [
            one
            for one in reversed(catalog)
            if one.is_local
            and one.is_valid
            and one.generation >= self._keep
            and one.id not in needed
            and now - one.created_at >= self._after
            and (one.validated_at is None or now - one.validated_at >= FETCHED_STAYS)
        ]

    def _remove(self, one: Checkpoint) -> bool:
        path = Path(one.path)
        with (
            suppress(AgentBusy, OSError),
            self._locks.agent(one.agent_id, purpose="prune"),
            nobody_reads(path) as is_free,
        ):
            if is_free:
                # The row first: a file that is there although it need not be does no harm.
                self._database.write(checkpoints.set_local, one.id, False)
                path.unlink(missing_ok=True)
                return True
        return False


def _situation(db: sqlite3.Connection) -> tuple[list[Checkpoint], set[str]]:
    busy = {operation.agent_id for operation in journal.operations(db)}
    agents = agent_store.everyone(db)
    starts = {agent.checkpoint_id for agent in agents if agent.checkpoint_id and agent.lifecycle is not Lifecycle.AWAKE}
    catalog = checkpoints.everything(db)
    return catalog, starts | {one.id for one in catalog if one.agent_id in busy}
