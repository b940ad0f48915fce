"""Starts what is due in the queue: as soon as somebody asks for it, beside whatever else the heartbeat does."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from hive_tui.domain.changes import Changes
from hive_tui.domain.wakeups import Wakeup
from hive_tui.services.dispatch import AT_ONCE, Dispatcher
from hive_tui.services.foreign_writes import ForeignWrites
from hive_tui.services.steps import Steps
from hive_tui.store.database import Database

LOOK_AFTER_S = 0.01
"""What else there is to do at a request begins so long after the claim, so that it does not slow the beginning down."""


class QueueWorker:
    """Runs up to five wakeups at once. For the thread of one event loop, but for `ask`.

    Whoever asks hands the claim to the one thread that claims, and that one hands what it has claimed to the
    threads that run: between a request and its beginning no event loop has to come round. The heartbeat claims
    with each of its rounds too, under a time limit, which is how a claim that fails or hangs is told.

    Args:
        name: Who claims.
        steps: How the heartbeat runs a step; told of a mistake in a run, too.
        claimed: Called a moment after each claim that was asked for, for what else there is to do at a request.
        done: Called when a wakeup has ended.
        changes: Makes what notices that other programs write into the database; None for nothing.
        written: Called in the loop's thread when the database was written to; given whether by other programs.
    """

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        name: str,
        *,
        steps: Steps,
        claimed: Callable[[], None],
        done: Callable[[], None],
        changes: Callable[[], Changes] | None,
        written: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._name = name
        self._steps = steps
        self._claimed = claimed
        self._done = done
        self._make_changes = changes
        self._written = written
        self._writes: ForeignWrites | None = None
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Wakeup, Future[None]]] = {}
        self._is_asked = self._is_leaving = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runs = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="wake")
        # What is due must not wait behind steps that hang. One thread: the database tells of changes by connection,
        # and what was claimed a moment ago must count as running when the leases are swept.
        self._claims = ThreadPoolExecutor(1, thread_name_prefix="claim")

    @property
    def has_begun(self) -> bool:
        """Whether it works."""
        return self._loop is not None

    @property
    def is_watching(self) -> bool:
        """Whether what other programs write is noticed at once."""
        return self._writes is not None and self._writes.is_watching

    @property
    def in_flight(self) -> list[Wakeup]:
        """The wakeups that run."""
        with self._lock:
            return [wakeup for wakeup, _ in self._running.values()]

    @property
    def is_full(self) -> bool:
        """Whether as many run as may."""
        return len(self._running) >= AT_ONCE

    def begin(self) -> None:
        """From now on wakeups start when they are asked for, and not only when `work_off` is called."""
        self._loop = asyncio.get_running_loop()
        if self._make_changes is not None:
            self._writes = ForeignWrites(
                self._database, self._make_changes(), self._claims.submit, self._claim_written, self._written
            )
            self._writes.start()

    def ask(self) -> bool:
        """Start what is due, at once; call it in any thread. Many calls in a row are one.

        Returns:
            Whether `claimed` will be called. Not before it has begun: what was interrupted is taken up first.
        """
        if not self.has_begun:
            return False
        with self._lock:
            if self._is_asked:
                return True
            self._is_asked = True
        with suppress(RuntimeError):  # it leaves
            self._claims.submit(self._claim_asked)
            return True
        return False

    async def work_off(self) -> None:
        """Start what is due."""
        await self._steps.run("work off the queue", self._claim, self._claims)

    async def sweep(self) -> None:
        """Extend the leases of what runs here, take up what a worker that died has left, and start what is due.

        Between two claims: what was claimed a moment ago must count as running, whatever the clock does meanwhile.
        """
        steps = [("sweep the leases", self._sweep), ("work off the queue", self._claim)]
        await self._steps.run_all(iter(steps if self.has_begun else steps[:1]), self._claims)

    async def leave(self, patience_s: float) -> None:
        """Begin no more, and wait a little for what runs: what does not end is taken up by the next heartbeat."""
        if self._writes is not None:
            self._writes.stop()
        with self._lock:
            self._is_leaving = True
            runs = [asyncio.wrap_future(run) for _, run in self._running.values()]
        if runs:
            _, left = await asyncio.wait(runs, timeout=patience_s)
            for run in left:
                run.cancel()
        for pool in (self._runs, self._claims):
            pool.shutdown(wait=False, cancel_futures=True)

    def _sweep(self) -> None:
        self._dispatcher.sweep_leases(self.in_flight)

    def _claim_asked(self) -> None:
        self._is_asked = False  # before the claim: what is asked for from now on, it may not see
        with suppress(Exception):  # the next round meets it again, and tells
            self._claim(is_asked=True)
        if self._loop is not None:
            self._tell(self._loop.call_later, LOOK_AFTER_S, self._claimed)

    def _claim_written(self) -> None:
        with suppress(Exception):  # the next round meets it again, and tells
            self._claim()

    def _claim(self, *, is_asked: bool = False) -> None:
        """Claim what is due, and have it run; in the thread that claims."""
        limit = 0 if self._is_leaving else AT_ONCE - len(self._running)
        for wakeup in self._dispatcher.claim_due(by=self._name, limit=limit, is_asked=is_asked):
            with self._lock:
                if not self._is_leaving:  # else the next heartbeat takes it up
                    self._running[wakeup.id] = (wakeup, self._runs.submit(self._run_one, wakeup))

    def _run_one(self, wakeup: Wakeup) -> None:
        try:
            self._dispatcher.run(wakeup)
        except Exception as error:
            # A bug: the claim's lease runs out and the attempt counts as interrupted.
            self._tell(self._steps.failed, "wake an agent", f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._running.pop(wakeup.id, None)
            self._tell(self._done)

    def _tell(self, told: Callable[..., object], *what: object) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(told, *what)
