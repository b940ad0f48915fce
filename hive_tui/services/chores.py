"""What the heartbeat does beside its agents, each now and then."""

from collections.abc import Callable
from dataclasses import dataclass

from hive_tui.domain.ports import Clock
from hive_tui.store import settings
from hive_tui.store.database import Database


@dataclass(slots=True)
class Chore:
    """One of them. It must be quick: what takes long goes to a thread of its own."""

    name: str
    """As in "the heartbeat could not ..."."""
    work: Callable[[], object]
    every_s: float
    did_at: float = float("-inf")
    at_rest_every_s: float = 0.0
    """The same while nothing runs and nobody writes into the database, if that is longer."""


class Chores:
    """All of them, and which are due."""

    def __init__(self, database: Database, clock: Clock, chores: tuple[Chore, ...]) -> None:
        self._database = database
        self._clock = clock
        self._chores = chores

    def due(self, *, is_at_rest: bool = False) -> list[Chore]:
        """Those whose time has come; none while a person has paused all automatic actions."""
        now = self._clock.monotonic()
        due = [
            chore
            for chore in self._chores
            if now - chore.did_at >= max(chore.every_s, chore.at_rest_every_s if is_at_rest else 0.0)
        ]
        if due and self._database.read(settings.get, settings.PAUSED, False):
            return []
        for chore in due:
            chore.did_at = now
        return due
