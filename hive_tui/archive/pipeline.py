"""Work on several cores whose results come in the order in which it was asked for."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

THREADS = min(8, (os.cpu_count() or 1) + 2)
"""More than cores: one that waits for the disk leaves its core to another."""
PENDING_BYTES = 32 * 1024 * 1024
"""So much may be under way at once; bounds the memory."""


class Pipeline:
    """Runs jobs on threads; hands their results over in order, in the thread that submits."""

    def __init__(self, threads: int = THREADS, pending_bytes: int = PENDING_BYTES) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="archive")
        self._limit = pending_bytes
        self._pending: deque[tuple[int, Future[Any], Callable[[Any], object]]] = deque()
        self._weight = 0

    def submit(self, weight_bytes: int, job: Callable[[], Result], deliver: Callable[[Result], object]) -> None:
        """Run `job` some time, then `deliver` with what it gave; delivers earlier results meanwhile.

        Raises:
            Exception: Whatever an earlier job or delivery raised.
        """
        while self._pending and self._weight + weight_bytes > self._limit:
            self._deliver_one()
        self._pending.append((weight_bytes, self._executor.submit(job), deliver))
        self._weight += weight_bytes
        while self._pending and self._pending[0][1].done():
            self._deliver_one()

    def drain(self) -> None:
        """Deliver all that is left."""
        while self._pending:
            self._deliver_one()

    def stop(self) -> None:
        """Give up what has not begun; wait for what has."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._pending.clear()

    def _deliver_one(self) -> None:
        weight, future, deliver = self._pending.popleft()
        self._weight -= weight
        deliver(future.result())
