"""Progress of long work: where it is, how fast it goes, and that it is to stop."""

import threading

from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.errors import Cancelled
from hive_tui.domain.ports import Clock

SPEED_AFTER_S = 1.0
"""Before that a speed would be a guess."""


class Unwatched:
    """Shows nothing; still stops when it is cancelled. Watchers extend it."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._deciding = threading.RLock()  # a signal asks in the very thread that works
        self._why_not = ""
        self._is_asked_in_vain = False

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins; 0 bytes where its size is not known."""
        self._stop_if_cancelled()

    def advance(self, done_bytes: int) -> None:
        """So many more bytes of this step are done."""
        self._stop_if_cancelled()

    def no_way_back(self, why: str) -> None:
        """From now on the work goes on to its end, whoever asks it to stop.

        Args:
            why: For a person: what would be wrong with stopping.
        """
        with self._deciding:
            if not self._why_not:
                self._stop_if_cancelled()
            self._why_not = why

    def ask_to_stop(self) -> str:
        """Ask the work to stop; why it cannot any more, empty if it will."""
        with self._deciding:
            if self._why_not:
                self._is_asked_in_vain = True
            else:
                self.cancelled.set()
            return self._why_not

    def _stop_if_cancelled(self) -> None:
        if self.cancelled.is_set() and not self._why_not:
            raise Cancelled("Stopped, as you asked.", hint="Nothing was changed.")


class MeasuredProgress(Unwatched):
    """Remembers where the work is; written by the work's thread, read by whoever shows it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock.monotonic()
        self._step = "begins"
        self._total_bytes = 0
        self._done_bytes = 0

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins; 0 bytes where its size is not known."""
        self._began, self._step = self._clock.monotonic(), name
        self._total_bytes, self._done_bytes = total_bytes, 0
        super().step(name, total_bytes)

    def advance(self, done_bytes: int) -> None:
        """So many more bytes of this step are done."""
        self._done_bytes += done_bytes
        super().advance(done_bytes)

    def in_words(self) -> str:
        """Step, bytes, speed and time left, as far as they are known."""
        if self.cancelled.is_set():
            return "stopping"
        parts = [f"cannot be stopped any more, since {self._why_not}"] if self._is_asked_in_vain else [self._step]
        spent_s = self._clock.monotonic() - self._began
        if self._done_bytes:
            of = f" of {bytes_in_words(self._total_bytes)}" if self._total_bytes > self._done_bytes else ""
            parts.append(f"{bytes_in_words(self._done_bytes)}{of}")
            if spent_s >= SPEED_AFTER_S:
                speed = self._done_bytes / spent_s
                parts.append(f"{bytes_in_words(int(speed))}/s")
                if of:
                    parts.append(f"{(self._total_bytes - self._done_bytes) / speed:.0f}s left")
        elif spent_s >= SPEED_AFTER_S:
            parts.append(f"{spent_s:.0f}s")
        return ", ".join(parts)
