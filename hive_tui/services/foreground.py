"""Runs wakeups for a command in a shell: by the heartbeat where there is one, else in this process."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.locks import FileLock
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.services.dispatch import AT_ONCE, Dispatcher
from hive_tui.store import wakeups
from hive_tui.store.database import Database


class Foreground:
    """Waits until the next attempt of each wakeup has ended."""

    def __init__(
        self, database: Database, dispatcher: Dispatcher, heartbeat_lock: FileLock, clock: Clock, name: str
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._lock = heartbeat_lock
        self._clock = clock
        self._name = name

    def run(self, asked: Sequence[Wakeup], *, timeout_s: float) -> list[Wakeup]:
        """The wakeups after their next attempt, or as they are when the time is over.

        With no heartbeat alive this process takes the heartbeat's lock for these rows
        alone; a heartbeat that ends meanwhile is replaced in the same way.
        """
        deadline = self._clock.monotonic() + timeout_s
        attempts = {wakeup.id: wakeup.attempts for wakeup in asked}

        def left() -> list[str]:
            now = self._read(asked)
            return [one.id for one in now if not _has_ended(one, attempts.setdefault(one.id, one.attempts))]

        while (ids := left()) and self._clock.monotonic() < deadline:
            if self._lock.try_take("wake"):
                try:
                    self._run_here(ids, deadline)
                finally:
                    self._lock.release()
            else:
                wait_until(lambda: not left() or not self._lock.is_held(), timeout_s=0.5, clock=self._clock)
        return self._read(asked)

    def _run_here(self, ids: Sequence[str], deadline: float) -> None:
        orphans = self._dispatcher.recover_orphans(only_expired=False)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda wakeup_id: self._run_one(wakeup_id, deadline), ids))
        # What a process that died had begun for the same agents is done with now, and would
        # speak against their next nap; anything else waits for a heartbeat.
        agents = {self._database.read(wakeups.get, wakeup_id).agent_id for wakeup_id in ids}
        for orphan in orphans:
            if orphan.agent_id in agents and orphan.id not in ids:
                self._run_one(orphan.id, self._clock.monotonic())

    def _run_one(self, wakeup_id: str, deadline: float) -> None:
        def is_due() -> bool:
            return self._database.read(wakeups.get, wakeup_id).scheduled_for <= self._clock.now()

        if wait_until(is_due, timeout_s=max(0.0, deadline - self._clock.monotonic()), clock=self._clock, every_s=0.2):
            claimed = self._dispatcher.claim_one(wakeup_id, by=self._name)
            if claimed is not None:
                self._dispatcher.run(claimed)

    def _read(self, asked: Sequence[Wakeup]) -> list[Wakeup]:
        return [self._database.read(wakeups.standing_for, wakeup.id) for wakeup in asked]


def _has_ended(wakeup: Wakeup, attempts_before: int) -> bool:
    """Whether an attempt has ended since: for good, or with another one to come."""
    return wakeup.is_finished or (wakeup.status is WakeupStatus.PENDING and wakeup.attempts > attempts_before)
