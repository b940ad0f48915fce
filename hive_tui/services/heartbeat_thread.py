"""A heartbeat beside a screen: on a thread and an event loop of its own.

A dashboard that is suspended while its user is attached to a pane stands still for
hours; its heartbeat must not.
"""

import asyncio
import threading

from hive_tui.services.heartbeat import STOP_PATIENCE_S, Heartbeat


class HeartbeatThread:
    """Started once, stopped once."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()
        self._is_up.wait()

    def stop(self) -> bool:
        """Wait for what is in flight, but not for ever; whether it has ended."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP_PATIENCE_S + 5)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._beat())

    async def _beat(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._is_up.set()
        await self._heartbeat.run(self._stop)
