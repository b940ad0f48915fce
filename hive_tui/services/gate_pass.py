"""One pass of gate and queue by a process that ends afterwards: for timers, cron and CronJobs."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.locks import FileLock
from hive_tui.domain.errors import HiveError
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.services.dispatch import AT_ONCE, Dispatcher
from hive_tui.store import wakeups
from hive_tui.store.database import Database

STANDING = "heartbeat"
"""What the lock says of a heartbeat that stays; other holders end soon by themselves."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What became of it."""

    handed_to: int | None = None
    """The process that has the heartbeat, which was asked to look at the queue now; None if the pass was made here."""
    wakeups: tuple[Wakeup, ...] = ()
    """What was tried, as it is after that."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Steps that failed, and what they said."""
    next_due_at: datetime | None = None

    @property
    def failed(self) -> list[Wakeup]:
        """Those whose attempt failed, whether or not they are tried again later."""
        return [
            one
            for one in self.wakeups
            if one.status is WakeupStatus.FAILED or (one.status is WakeupStatus.PENDING and one.last_error)
        ]


LINGER_S = 20.0
"""A burst is waited out, and wakes at the same time are spread: what is put off for so long belongs to this pass."""


class GatePass:
    """Takes the heartbeat's lock, works off what is due, gives it back. Any number may be started at once.

    Args:
        before: Steps before the queue is looked at, by name: what was interrupted is finished, windows are kept.
        after: Steps after it.
        ring: Has a standing heartbeat look at the queue.
        name: Who claims.
    """

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        lock: FileLock,
        ring: Callable[[], None],
        clock: Clock,
        name: str,
        *,
        before: Mapping[str, Callable[[], object]],
        after: Mapping[str, Callable[[], object]],
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._lock = lock
        self._ring = ring
        self._clock = clock
        self._name = name
        self._before = before
        self._after = after

    def run(self, *, timeout_s: float) -> Pass:
        """Make the pass, or hand it over; nothing new is begun after `timeout_s` seconds.

        Raises:
            StoreError: Lock or database cannot be used.
        """
        deadline = self._clock.monotonic() + timeout_s
        while not self._lock.try_take("gate"):
            holder = self._lock.holder()
            if holder.get("purpose") == STANDING or self._clock.monotonic() >= deadline:
                self._ring()
                return Pass(handed_to=_pid(holder), next_due_at=self._database.read(wakeups.next_due_at))
            # Another pass, or a command that wakes: what it leaves is for us.
            wait_until(lambda: not self._lock.is_held(), timeout_s=0.5, clock=self._clock)
        try:
            return self._pass(deadline)
        finally:
            self._lock.release()

    def _pass(self, deadline: float) -> Pass:
        troubles: dict[str, str] = {}
        self._dispatcher.recover_orphans(only_expired=False)
        self._do(self._before, troubles)
        tried: list[str] = []
        lingers_until = self._clock.now() + timedelta(seconds=LINGER_S)
        while self._clock.monotonic() < deadline:
            claimed = self._dispatcher.claim_due(by=self._name, limit=AT_ONCE)
            if not claimed and self._wait_for_next(lingers_until, deadline):
                continue
            if not claimed:
                break
            tried += [one.id for one in claimed if one.id not in tried]
            self._run_all(claimed, troubles)
        self._do(self._after, troubles)
        now = tuple(self._database.read(wakeups.get, one) for one in tried)
        return Pass(None, now, troubles, self._database.read(wakeups.next_due_at))

    def _wait_for_next(self, until: datetime, deadline: float) -> bool:
        """Whether one more is due soon, and is due now."""

        def due_in_s() -> float:
            due_at = self._database.read(wakeups.next_due_at)
            return inf if due_at is None or due_at > until else (due_at - self._clock.now()).total_seconds()

        left_s = due_in_s()
        # One that is due and was not claimed waits for another wakeup of its agent.
        if left_s <= 0 or left_s > deadline - self._clock.monotonic():
            return False
        return wait_until(lambda: due_in_s() <= 0, timeout_s=left_s + 1, clock=self._clock)

    def _run_all(self, claimed: Sequence[Wakeup], troubles: dict[str, str]) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="wake") as pool:
            runs = [pool.submit(self._dispatcher.run, one) for one in claimed]
        for run in runs:
            if (error := run.exception()) is not None:
                troubles["work off the queue"] = _said(error)

    def _do(self, steps: Mapping[str, Callable[[], object]], troubles: dict[str, str]) -> None:
        """Each step may fail without the others."""
        for name, work in steps.items():
            try:
                work()
            except Exception as error:
                troubles[name] = _said(error)


def _said(error: BaseException) -> str:
    return error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"


def _pid(holder: Mapping[str, object]) -> int | None:
    pid = holder.get("pid")
    return pid if isinstance(pid, int) else None
