"""The one place that reads the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime

TYPE_CHECKING = False
if TYPE_CHECKING:  # a hook must be fast, so it imports neither `typing` nor the domain
    from collections.abc import Callable

    from hive_tui.domain.ports import Clock


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)


def wait_until(condition: Callable[[], bool], *, timeout_s: float, clock: Clock, every_s: float = 0.05) -> bool:
    """Wait for a condition; False if it did not come true within `timeout_s` seconds.

    The condition is asked at once and at least twice, so a slow first answer is no time-out.
    """
    deadline = clock.monotonic() + timeout_s
    while not condition():
        if clock.monotonic() >= deadline:
            return condition()
        clock.sleep(every_s)
    return True
