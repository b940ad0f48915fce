"""A heartbeat beside a screen: on a thread and an event loop of its own.

A dashboard that is suspended while its user is attached to a pane stands still for
hours; its heartbeat must not.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from hive_tui.domain.beat import Beat

if TYPE_CHECKING:
    from hive_tui.services.heartbeat import Heartbeat

JOIN_S = 13.0
"""A heartbeat gives up what is in flight before that."""


class HeartbeatThread:
    """Started once, stopped once.

    Args:
        make: Makes the heartbeat, in its thread: importing it takes longer than drawing the first screen.
        failed: Is told, in that thread, what has kept it from beating; None to have it on stderr.
    """

    def __init__(self, make: Callable[[Beat], Heartbeat], failed: Callable[[Exception], object] | None = None) -> None:
        self.beat = Beat()
        self._make = make
        self._failed = failed
        self._heartbeat: Heartbeat | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    @property
    def is_busy(self) -> bool:
        """Whether wakeups run in this process."""
        return self._heartbeat is not None and self._heartbeat.is_busy

    @property
    def is_stuck(self) -> bool:
        """Whether a step hangs, or the whole heartbeat does after its stop."""
        return self._thread.is_alive() or (self._heartbeat is not None and self._heartbeat.is_stuck)

    def start(self) -> None:
        """Begin to beat; a second time does nothing."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> bool:
        """Wait for what is in flight, but not for ever; whether it has ended. Blocks."""
        if self._thread.ident is None:
            return True
        self._is_up.wait(JOIN_S)
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(JOIN_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._beat())
        except Exception as error:
            if self._failed is None:
                raise
            # Behind a screen nobody would see it, and look at a hive that stands still for no reason.
            self._failed(error)

    async def _beat(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._is_up.set()
        self._heartbeat = self._make(self.beat)
        await self._heartbeat.run(self._stop)
