"""Tells readers of the event log, on an event loop, that there is more in it: by one watch for all of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hive_tui.domain.errors import HiveError
from hive_tui.services.subscription import EventLog, Subscription


class EventFeed:
    """Watches only while somebody waits. All methods belong to the loop's thread.

    Each reader goes by its own place in the log, so that a slow one keeps nothing in memory.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._news = asyncio.Event()
        self._readers = 0
        self._watch: _Watch | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Somebody reads: within it `news` may be waited for."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            if self._readers == 0:
                self.stop()

    def news(self) -> asyncio.Event:
        """Is set with the next event. Ask for it before you read, and wait for it if there was nothing."""
        if self._watch is None or not self._watch.is_alive:
            self._watch = _Watch(self._log, asyncio.get_running_loop(), self._tell)
        return self._news

    def stop(self) -> None:
        """Watch no longer."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def _tell(self) -> None:
        told, self._news = self._news, asyncio.Event()
        told.set()


class _Watch:
    """A thread that waits for events, and rings. It ends where the log cannot be read, which readers find out too."""

    def __init__(self, log: EventLog, loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> None:
        self._log = log
        self._loop = loop
        self._tell = tell
        self._is_stopped = False
        self._subscription: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name="http events", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still rings."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it soon."""
        self._is_stopped = True
        if self._subscription is not None:
            self._subscription.stop()

    def _run(self) -> None:
        # The loop may have ended: then there is nobody to tell.
        with suppress(HiveError, RuntimeError), self._log.subscribe() as subscription:
            self._subscription = subscription
            self._ring()
            while not self._is_stopped and subscription.wait():
                before = subscription.cursor
                subscription.skip()
                if subscription.cursor != before:
                    self._ring()

    def _ring(self) -> None:
        self._loop.call_soon_threadsafe(self._tell)
