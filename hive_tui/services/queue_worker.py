"""Starts what is due in the queue: as soon as somebody asks for it, beside whatever else the heartbeat does."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from hive_tui.domain.changes import Changes
from hive_tui.domain.wakeups import Wakeup
from hive_tui.services.dispatch import AT_ONCE, Dispatcher
from hive_tui.services.subscription import SETTLING_S
from hive_tui.store.database import Database

Step = Callable[[str, Callable[[], object], ThreadPoolExecutor], Awaitable[object]]
"""Runs work in a thread of a pool under a time limit; None if it failed, which is told."""


class QueueWorker:
    """Runs up to five wakeups at once. For the thread of one event loop.

    Args:
        name: Who claims.
        step: How the heartbeat runs a step.
        failed: Told of a mistake in a run: which step, and what it said.
        done: Called when a wakeup has ended.
        changes: Makes what notices that other programs write into the database; None for nothing.
    """

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        name: str,
        *,
        step: Step,
        failed: Callable[[str, str], None],
        done: Callable[[], None],
        changes: Callable[[], Changes] | None,
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._name = name
        self._step = step
        self._failed = failed
        self._done = done
        self._make_changes = changes
        self._changes: Changes | None = None
        self._running: dict[str, tuple[Wakeup, asyncio.Task[None]]] = {}
        self._asked = asyncio.Event()
        self._is_written = False
        self._counter = -1
        self._claiming = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._runs = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="wake")
        # What is due must not wait behind steps that hang. One thread: the database tells of changes by connection.
        self._claims = ThreadPoolExecutor(1, thread_name_prefix="claim")

    @property
    def has_begun(self) -> bool:
        """Whether it works."""
        return self._task is not None

    @property
    def in_flight(self) -> list[Wakeup]:
        """The wakeups that run."""
        return [wakeup for wakeup, _ in list(self._running.values())]

    @property
    def is_full(self) -> bool:
        """Whether as many run as may."""
        return len(self._running) >= AT_ONCE

    def begin(self) -> None:
        """From now on wakeups start when they are asked for, and not only when `work_off` is called."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._work_off_when_asked())
        if self._make_changes is not None:
            self._changes = self._make_changes()
            if self._changes.is_watching:
                loop.add_reader(self._changes.fileno(), self._on_write)

    def ask(self) -> None:
        """Start what is due, soon."""
        self._asked.set()

    async def work_off(self) -> None:
        """Start what is due."""
        async with self._claiming:
            claimed = await self._step("work off the queue", self._claim, self._claims)
            for wakeup in claimed if isinstance(claimed, list) else ():
                task = asyncio.get_running_loop().create_task(self._run_one(wakeup))
                self._running[wakeup.id] = (wakeup, task)

    async def leave(self, patience_s: float) -> None:
        """Begin no more, and wait a little for what runs: what does not end is taken up by the next heartbeat."""
        if self._task is not None:
            self._task.cancel()
        if self._changes is not None:
            with suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._changes.fileno())
            self._changes.close()
        if tasks := [task for _, task in self._running.values()]:
            await asyncio.wait(tasks, timeout=patience_s)
        for pool in (self._runs, self._claims):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _work_off_when_asked(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            is_written, self._is_written = self._is_written, False
            if is_written:
                await self._settle()
            await self.work_off()

    async def _settle(self) -> None:
        """Wait until what was written can be read: the log is written a moment before its commit counts."""
        for pause_s in SETTLING_S:
            if await self._step("read the queue", self._has_changed, self._claims):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), pause_s)
                return

    def _has_changed(self) -> bool:
        before, self._counter = self._counter, self._database.change_counter()
        return before != self._counter

    def _claim(self) -> list[Wakeup]:
        return self._dispatcher.claim_due(by=self._name, limit=AT_ONCE - len(self._running))

    def _on_write(self) -> None:
        if self._changes is not None and self._changes.drain():
            self._is_written = True
            self.ask()

    async def _run_one(self, wakeup: Wakeup) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._runs, self._dispatcher.run, wakeup)
        except Exception as error:
            # A bug: the claim's lease runs out and the attempt counts as interrupted.
            self._failed("wake an agent", f"{type(error).__name__}: {error}")
        finally:
            self._running.pop(wakeup.id, None)
            self._done()
