"""Runs wakeups for a command in a shell: by the heartbeat where there is one, else in this process."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.locks import FileLock
from hive_tui.domain.errors import Cancelled
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.services.dispatch import AT_ONCE, Dispatcher
from hive_tui.store import wakeups
from hive_tui.store.database import Database

TOLD_EVERY_S = 0.25


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

    def run(self, asked: Sequence[Wakeup], *, timeout_s: float, progress: Progress | None = None) -> list[Wakeup]:
        """The wakeups after their next attempt, or as they are when the time is over.

        Once the progress is stopped, none is begun here any more; those that run here go on to their end.

        One that is put off until later than that is not waited for. With no heartbeat
        alive this process takes the heartbeat's lock for these rows alone; a heartbeat
        that ends meanwhile is replaced in the same way.
        """
        deadline, watched = self._clock.monotonic() + timeout_s, progress or Unwatched()
        attempts = {wakeup.id: wakeup.attempts for wakeup in asked}

        def left() -> list[str]:
            now = self._read(asked)
            waited_for = [one for one in now if not has_ended(one, attempts.setdefault(one.id, one.attempts))]
            return [one.id for one in waited_for if not self._is_put_off(one, deadline)]

        while (ids := left()) and self._clock.monotonic() < deadline and not watched.cancelled.is_set():
            if self._lock.try_take("wake"):
                try:
                    self._run_here(ids, deadline, watched)
                finally:
                    self._lock.release()
            else:
                wait_until(lambda: not left() or not self._lock.is_held(), timeout_s=0.5, clock=self._clock)
                _tell(watched)
        return self._read(asked)

    def _run_here(self, ids: Sequence[str], deadline: float, watched: Progress) -> None:
        orphans = self._dispatcher.recover_orphans(only_expired=False)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = running = {pool.submit(self._run_one, wakeup_id, deadline, watched) for wakeup_id in ids}
            while waiting:
                # Not without an end: a signal that comes to another thread does not wake this one.
                waiting = wait(waiting, timeout=TOLD_EVERY_S).not_done
                _tell(watched)
            for one in running:
                one.result()
        # What a process that died had begun for the same agents is done with now, and would
        # speak against their next nap; anything else waits for a heartbeat.
        agents = {self._database.read(wakeups.get, wakeup_id).agent_id for wakeup_id in ids}
        for orphan in orphans:
            if orphan.agent_id in agents and orphan.id not in ids:
                self._run_one(orphan.id, self._clock.monotonic(), watched)

    def _run_one(self, wakeup_id: str, deadline: float, watched: Progress) -> None:
        def is_due() -> bool:
            due_at = self._database.read(wakeups.get, wakeup_id).scheduled_for
            return watched.cancelled.is_set() or due_at <= self._clock.now()

        left_s = max(0.0, deadline - self._clock.monotonic())
        is_ready = wait_until(is_due, timeout_s=left_s, clock=self._clock, every_s=0.2)
        if is_ready and not watched.cancelled.is_set():
            claimed = self._dispatcher.claim_one(wakeup_id, by=self._name)
            if claimed is not None:
                self._dispatcher.run(claimed)

    def _is_put_off(self, wakeup: Wakeup, deadline: float) -> bool:
        left_s = deadline - self._clock.monotonic()
        is_later = (wakeup.scheduled_for - self._clock.now()).total_seconds() > left_s
        return wakeup.status is WakeupStatus.PENDING and is_later

    def _read(self, asked: Sequence[Wakeup]) -> list[Wakeup]:
        return [self._database.read(wakeups.standing_for, wakeup.id) for wakeup in asked]


def _tell(watched: Progress) -> None:
    """Show that it goes on, or that it is stopping; who waits for what runs looks at the stop by itself."""
    with suppress(Cancelled):
        watched.advance(0)


def has_ended(wakeup: Wakeup, attempts_before: int) -> bool:
    """Whether an attempt has ended since: for good, or with another one to come."""
    return wakeup.is_finished or (wakeup.status is WakeupStatus.PENDING and wakeup.attempts > attempts_before)
