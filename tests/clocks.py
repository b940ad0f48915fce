"""A clock that stands until it is moved."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands at noon of a Monday; `sleep` moves it, so that nothing waits."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step(self, by: timedelta) -> None:
        """Set the wall clock, while no time passes."""
        self._now += by
