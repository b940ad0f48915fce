"""Progress of long work, for callers that do not watch it."""

import threading

from hive_tui.domain.errors import Cancelled


class Unwatched:
    """Shows nothing; still stops when it is cancelled. Watchers extend it."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins; 0 bytes where its size is not known."""
        self._stop_if_cancelled()

    def advance(self, done_bytes: int) -> None:
        """So many more bytes of this step are done."""
        self._stop_if_cancelled()

    def _stop_if_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise Cancelled("Stopped, as you asked.", hint="Nothing was changed.")
