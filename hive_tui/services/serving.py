"""The heartbeat as a service: its manager hears that it is ready, alive and ending; it ends in time."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from hive_tui.domain.beat import Beat
from hive_tui.domain.ports import Clock

READY_EVERY_S = 0.2
STOP_S = 9.5
"""A stop takes ten seconds at most; what has not ended by then is finished, or rolled back, by the next start."""
WEDGED_S = 300.0
"""A heartbeat that gives no sign of life for so long is stuck; several of its steps in a row may take half a minute."""


class Beating(Protocol):
    """The heartbeat, as far as a service needs it."""

    beat: Beat

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until stopped."""

    @property
    def is_busy(self) -> bool:
        """Whether wakeups run in this process."""

    @property
    def is_stuck(self) -> bool:
        """Whether a step hangs."""


class Manager(Protocol):
    """Whoever started this service."""

    watchdog_s: float | None

    @property
    def listens(self) -> bool:
        """Whether there is one."""

    def tell(self, *states: str) -> bool:
        """Tell it."""


class Serving:
    """Runs one heartbeat until it is stopped."""

    def __init__(self, manager: Manager, clock: Clock) -> None:
        self._manager = manager
        self._clock = clock
        self._is_ready = False
        self._seen: object = None
        self._seen_at = clock.monotonic()

    async def run(self, heartbeat: Beating, stop: asyncio.Event) -> bool:
        """Beat until `stop` is set; whether something has not ended in time, for which nobody must wait."""
        loop = asyncio.get_running_loop()
        beating, stopped = loop.create_task(heartbeat.run(stop)), loop.create_task(stop.wait())
        try:
            while not beating.done() and not stopped.done():
                await asyncio.wait((beating, stopped), timeout=self._rest_s, return_when=asyncio.FIRST_COMPLETED)
                self._tell(heartbeat.beat)
            self._manager.tell("STOPPING=1", "STATUS=Ending")
            await asyncio.wait((beating,), timeout=STOP_S)
        finally:
            stopped.cancel()
        if not beating.done():
            return True
        beating.result()
        return heartbeat.is_busy or heartbeat.is_stuck

    @property
    def _rest_s(self) -> float | None:
        """Until the next word to the manager."""
        if not self._manager.listens:
            return None
        every_s = self._manager.watchdog_s
        return min(every_s / 3, 30.0) if self._is_ready and every_s else READY_EVERY_S if not self._is_ready else 30.0

    def _tell(self, beat: Beat) -> None:
        if beat.beat_at != self._seen:
            self._seen, self._seen_at = beat.beat_at, self._clock.monotonic()
        states = [f"STATUS={_status(beat)}"]
        if beat.beat_at is not None and not self._is_ready:
            self._is_ready = True
            states.insert(0, "READY=1")
        # A heartbeat that hangs is not alive: without this the manager kills it and starts another one.
        if self._manager.watchdog_s and self._clock.monotonic() - self._seen_at < WEDGED_S:
            states.append("WATCHDOG=1")
        if self._manager.listens:
            self._manager.tell(*states)


def _status(beat: Beat) -> str:
    if beat.beat_at is None:
        return "Starting"
    if not beat.is_working:
        return "Stands by: another hive-tui has the heartbeat"
    trouble = f"; trouble with: {', '.join(beat.trouble)}" if beat.trouble else ""
    return f"Works, {beat.in_flight} under way{trouble}"


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop by SIGINT, SIGTERM, and SIGHUP unless that is ignored, as by `nohup`. For the loop's own thread."""
    import signal

    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stop)
