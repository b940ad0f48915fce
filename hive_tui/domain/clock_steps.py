"""Whether the wall clock has moved otherwise than time has passed: set by hand, or over a suspend."""

from datetime import datetime, timedelta

TOLERANCE = timedelta(seconds=2)
"""A clock that is slewed, or a look that took its time, is no step."""


class ClockSteps:
    """Compares two clocks from look to look.

    Args:
        wall: Aware UTC.
        monotonic_s: Seconds of a clock that never jumps, and stands while the machine is suspended.
    """

    def __init__(self, wall: datetime, monotonic_s: float) -> None:
        self._wall, self._monotonic_s = wall, monotonic_s

    def look(self, wall: datetime, monotonic_s: float) -> timedelta | None:
        """By how much the wall clock has stepped since the last look, negative for back; None if it has not."""
        passed = timedelta(seconds=monotonic_s - self._monotonic_s)
        step = wall - self._wall - passed
        self._wall, self._monotonic_s = wall, monotonic_s
        return step if abs(step) > TOLERANCE else None
