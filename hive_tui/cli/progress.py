"""How far long work is, on one line of the terminal; Ctrl-C stops it where it can still be stopped."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import MeasuredProgress

REDRAW_S = 0.1


class Steps(MeasuredProgress):
    """Shows step, bytes, speed and time left on stderr, if that is a terminal."""

    def __init__(self, clock: Clock, title: str = "", stream: TextIO | None = None) -> None:
        super().__init__(clock)
        self._title = f"{title}: " if title else ""
        self._stream = stream or sys.stderr
        self._drawn_at = -REDRAW_S

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins."""
        super().step(name, total_bytes)
        self._draw()

    def advance(self, done_bytes: int) -> None:
        """So many more bytes of this step are done."""
        super().advance(done_bytes)
        if self._clock.monotonic() - self._drawn_at >= REDRAW_S:
            self._draw()

    def stop(self) -> None:
        """Stop, or say at once why that is not possible any more; may be called by a signal."""
        why_not = self.ask_to_stop()
        if why_not:
            said = f"\nThis cannot be stopped any more, since {why_not}. It goes on to its end.\n"
            # Not by the stream, which may be in the middle of a write when the signal comes.
            with suppress(OSError, ValueError):
                os.write(self._stream.fileno(), said.encode())

    def done(self) -> None:
        """Wipe the line."""
        self._write("")

    def _draw(self) -> None:
        self._drawn_at = self._clock.monotonic()
        self._write(f"{self._title}{self.in_words()} ...")

    def _write(self, line: str) -> None:
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()


@contextmanager
def stoppable(works: Sequence[Steps]) -> Iterator[None]:
    """Within it Ctrl-C asks the works to stop; each ends as `Cancelled`, or is done if there was no way back.

    Not by KeyboardInterrupt: that ends whatever line the main thread happens to be in, and can get lost in a
    finalizer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        for work in works:
            work.stop()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        for work in works:
            work.done()
