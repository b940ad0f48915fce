"""The circuit breaker of an agent: after repeated failures it is left alone for a while, then tried once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_TRIPS = 4
"""From then on the breaker stays open no longer than the time before."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When the breaker opens, and for how long."""

    failures: int = 5
    """So many failed attempts in a row open it; 0 for never."""
    open_s: float = 900.0
    """Seconds that it stays open the first time; each failed trial doubles them, up to eight times as much."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of the attempts to wake one agent. Closed, unless it says until when it is open."""

    failures: int = 0
    """Failed attempts since the last one that succeeded."""
    trips: int = 0
    """How often it has opened since then."""
    open_until: datetime | None = None
    """From then on one attempt is let through as a trial; None while it is closed."""

    def is_open(self, now: datetime) -> bool:
        """Whether no attempt is let through yet."""
        return self.open_until is not None and now < self.open_until


def after_failure(breaker: Breaker, now: datetime, policy: BreakerPolicy) -> Breaker:
    """The breaker after an attempt failed: a trial that failed opens it again, for longer.

    Source: the circuit breaker of M. Nygard, "Release It!".
    """
    failed = replace(breaker, failures=breaker.failures + 1)
    if policy.failures == 0 or failed.failures < policy.failures or breaker.is_open(now):
        return failed  # a person's attempt, which an open breaker lets through, leaves it as it is
    trips = min(breaker.trips + 1, MOST_TRIPS)
    return replace(failed, trips=trips, open_until=now + timedelta(seconds=policy.open_s * 2 ** (trips - 1)))


def after_success() -> Breaker:
    """The breaker after an attempt succeeded: closed, with nothing remembered."""
    return Breaker()
