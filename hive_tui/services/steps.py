"""Runs the steps of a heartbeat in threads: each under a time limit, and each may fail without the others."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from hive_tui.domain.beat import Beat
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity

STEP_TIMEOUT_S = 30.0
PATIENCE_S = 2.0
"""Who is to stop waits so long for the steps of a round; one that hangs is left alone."""
NEXT = "see what else is due"
"""The step that finds the others."""

Step = tuple[str, Callable[[], object]]
"""As in "the heartbeat could not ...", and what it does."""


class Steps:
    """For the thread of one event loop.

    Args:
        beat: Where the trouble with each step is written down.
        tell: Told when the trouble with a step begins, or is another one.
    """

    def __init__(self, beat: Beat, tell: Callable[[Event], None]) -> None:
        self._beat = beat
        self._tell = tell
        self._slow: dict[str, asyncio.Future[object]] = {}
        self._begun: set[Future[object]] = set()
        # Threads of their own: a look at the panes must not wait behind somebody's checkpoint. Mostly one is enough,
        # and knows the database by then, while each of several would open and read it anew.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="step")
        self._spare = ThreadPoolExecutor(2, thread_name_prefix="spare step")
        self._usual: Future[object] | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether a step hangs, for which the interpreter would wait at its end."""
        return any(not step.done() for step in list(self._begun))

    async def run(self, name: str, work: Callable[[], object], pool: ThreadPoolExecutor | None = None) -> object:
        """Run one step in a thread; what it returns, or None if it failed.

        A step that hangs is left alone until it ends; it is not started twice.
        """
        if self._hangs(name):
            return None
        future = self._begin(work, pool)
        done, _ = await asyncio.wait([future], timeout=STEP_TIMEOUT_S)
        if not done:
            self._give_up(name, future)
            return None
        error = future.exception()
        self._ended(name, error)
        return future.result() if error is None else None

    async def run_all(self, steps: Iterator[Step], pool: ThreadPoolExecutor | None = None) -> None:
        """Run one after the other in one thread, which costs a fraction of a thread for each; as `run` else.

        Args:
            steps: Asked in that thread as well.
            pool: Of which the thread is.
        """
        while True:
            batch = Batch(steps, frozenset(name for name in list(self._slow) if self._hangs(name)))
            future = self._begin(batch.run, pool)
            try:
                while not future.done():
                    at = batch.count
                    await asyncio.wait([future], timeout=STEP_TIMEOUT_S)
                    if batch.count == at:
                        break
            finally:
                hung = batch.leave()
            for name, error in batch.ended:
                self._ended(name, error)
            if hung is None:
                return
            self._give_up(hung, future)
            if hung == NEXT:  # nobody else can ask for the others meanwhile
                return

    def failed(self, name: str, said: str) -> None:
        """Tell that a step failed, unless that was told."""
        if self._beat.trouble.get(name) == said:
            return
        self._beat.trouble[name] = said
        self._tell(Event(EventKind.STEP_FAILED, f"The heartbeat could not {name}: {said}", severity=Severity.FAILURE))

    def shutdown(self) -> None:
        """Begin no more."""
        for pool in (self._pool, self._spare):
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, work: Callable[[], object], pool: ThreadPoolExecutor | None) -> asyncio.Future[object]:
        if pool is not None:
            begun = pool.submit(work)
        elif self._usual is None or self._usual.done():
            begun = self._usual = self._pool.submit(work)
        else:
            begun = self._spare.submit(work)
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        return asyncio.wrap_future(begun)

    def _hangs(self, name: str) -> bool:
        before = self._slow.pop(name, None)
        if before is None or before.done():
            return False
        self._slow[name] = before
        return True

    def _give_up(self, name: str, future: asyncio.Future[object]) -> None:
        self._slow[name] = future
        self.failed(name, f"no end after {STEP_TIMEOUT_S:g} s")

    def _ended(self, name: str, error: BaseException | None) -> None:
        if error is None:
            self._beat.trouble.pop(name, None)
        else:
            self.failed(name, error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}")


async def done_or_left(round_: Coroutine[object, object, None], leaving: asyncio.Future[Any]) -> None:
    """Run a round of steps; it is left in the middle where one of them hangs and all is to stop.

    Args:
        round_: What runs them.
        leaving: Done once all is to stop.
    """
    limit = asyncio.timeout(None)

    def leave_soon(_: object) -> None:
        with suppress(RuntimeError):  # the round has ended in this very moment
            limit.reschedule(asyncio.get_running_loop().time() + PATIENCE_S)

    try:
        async with limit:
            leaving.add_done_callback(leave_soon)
            try:
                await round_
            finally:
                leaving.remove_done_callback(leave_soon)
    except TimeoutError:
        if not limit.expired():
            raise


class Batch:
    """Some steps, one after the other, until they are left in the middle.

    Args:
        but: Names of those that hang.
    """

    def __init__(self, steps: Iterator[Step], but: frozenset[str]) -> None:
        self._steps = steps
        self._but = but
        self._lock = threading.Lock()
        self._name: str | None = NEXT
        self._is_left = False
        self.count = 0
        """Grows with each step."""
        self.ended: list[tuple[str, BaseException | None]] = []
        """Names of those that have ended, and what went wrong."""

    def run(self) -> None:
        """Run them; in a thread."""
        while not self._is_left:
            error: Exception | None = None
            try:
                name, work = next(self._steps)
            except StopIteration:
                self._note(None, NEXT, None)
                return
            except Exception as failure:
                self._note(None, NEXT, failure)
                return
            if name in self._but:
                continue
            if not self._enter(name):
                return
            try:
                work()
            except Exception as failure:
                error = failure
            self._note(NEXT, name, error)

    def leave(self) -> str | None:
        """Begin no more of them; the one that is under way, None if all have ended."""
        with self._lock:
            self._is_left = True
            return self._name

    def _enter(self, name: str) -> bool:
        with self._lock:
            if not self._is_left:
                self._name, self.count = name, self.count + 1
            return not self._is_left

    def _note(self, goes_on_with: str | None, ended: str, error: Exception | None) -> None:
        with self._lock:
            if not self._is_left:
                self._name, self.count = goes_on_with, self.count + 1
                self.ended.append((ended, error))
