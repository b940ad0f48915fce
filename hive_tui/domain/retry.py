"""Backoff: when to try again after a failure, and when to give up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long apart a failed wakeup is tried again."""

    waits_s: tuple[float, ...] = (120.0, 600.0, 1800.0, 7200.0)
    """Wait before each retry; as many retries as there are waits."""
    jitter: float = 0.25
    """Half-width of the uniform factor on each wait: 0.25 means 75 % to 125 %."""

    @property
    def max_attempts(self) -> int:
        """The first attempt and one after each wait."""
        return len(self.waits_s) + 1


def next_attempt_at(failed_at: datetime, *, attempt: int, policy: RetryPolicy, random: Random) -> datetime | None:
    """When to try again after attempt number `attempt` failed; None to give up.

    Args:
        failed_at: Aware UTC time of the failure.
        attempt: The attempt that failed, counted from 1.

    Raises:
        ValueError: `attempt` is below 1.

    Source: stepped backoff with jitter, so that agents that failed together do
    not come back together (AWS Builders' Library, "Timeouts, retries and backoff").
    """
    if attempt < 1:
        raise ValueError(f"attempts count from 1, got {attempt}")
    if attempt > len(policy.waits_s):
        return None
    spread = random.uniform(1 - policy.jitter, 1 + policy.jitter)
    return failed_at + timedelta(seconds=policy.waits_s[attempt - 1] * spread)
