"""Sees to it that a demo leaves nothing behind when its process is told to end."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.ports import Clock

TOLD_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 5.0
"""A screen whose terminal is gone may hang for ever in what it has to draw."""


class Departure:
    """Turns signals into an orderly end, and into a prompt one if that takes too long.

    Use it around everything, in the main thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before: dict[signal.Signals, object] = {}
        self._ask: Callable[[], None] | None = None
        self._clear_away: Callable[[], None] = lambda: None
        self._is_leaving = False
        self._has_ended = threading.Event()
        self.number = 0
        """The signal that ended the demo; 0 for none."""

    def __enter__(self) -> Self:
        for number in TOLD_BY:
            self._before[number] = signal.signal(number, self._told)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_ended.set()
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def screen_is_up(self, *, ask: Callable[[], None], clear_away: Callable[[], None]) -> None:
        """From now on a signal makes the screen close; before, it raises SystemExit.

        Args:
            ask: Asks the screen to close; called in another thread, must not wait for that.
            clear_away: Removes everything, if the screen does not close in time.
        """
        self._ask, self._clear_away = ask, clear_away

    def screen_is_down(self) -> None:
        """From now on signals are ignored: clearing away must not be interrupted."""
        self._is_leaving = True

    def _told(self, number: int, frame: FrameType | None) -> None:
        if self._is_leaving:
            return
        self._is_leaving = True
        self.number = number
        if self._ask is None:
            raise SystemExit(128 + number)
        threading.Thread(target=self._see_out, args=(self._ask,), name="departure", daemon=True).start()

    def _see_out(self, ask: Callable[[], None]) -> None:
        ask()
        if not wait_until(self._has_ended.is_set, timeout_s=PATIENCE_S, clock=self._clock):
            self._clear_away()
            os._exit(128 + self.number)
