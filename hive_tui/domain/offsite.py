"""Copies of checkpoints in a second place: their states, and when a failed one is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class CopyState(StrEnum):
    """How far a copy is."""

    PENDING = "pending"
    """Waits for its turn."""
    COPIED = "copied"
    """Sent, and not read back yet."""
    VERIFIED = "verified"
    """Read back there: size and SHA-256 are those of what was sent."""
    FAILED = "failed"
    """The last attempt failed; it is tried again."""
    REMOVING = "removing"
    """Its checkpoint is gone from the catalog, and so shall be the copy."""


@dataclass(frozen=True, slots=True)
class OffsiteCopy:
    """One row of the copies."""

    checkpoint_id: str
    destination: str
    name: str
    """Relative to the destination."""
    state: CopyState
    sha256: str | None = None
    """Of what lies there, encrypted or not; None until it was sent."""
    size_bytes: int | None = None
    is_encrypted: bool = False
    attempts: int = 0
    """Since the last success."""
    next_try_at: datetime | None = None
    """When it is sent, removed or, where it is verified, read again; None where nothing is left to do."""
    error: str | None = None
    verified_at: datetime | None = None
    """When it was last read back there and was right."""

    @property
    def is_good(self) -> bool:
        """Whether the checkpoint can be had from there."""
        return self.state is CopyState.VERIFIED


@dataclass(frozen=True, slots=True)
class RereadPolicy:
    """How often copies are read again, and how much of that a day."""

    every_days: int = 30
    """0: never."""
    bytes_a_day: int = 1_000_000_000


FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
READ_TRIES = 3
"""A copy that cannot be read so often in a row, at a place that answers, counts as gone."""
ONLY_COPY_WAIT = timedelta(days=1)
"""A bad copy that cannot be sent again, since the checkpoint is nowhere else, is looked at again after that."""
TOLD_EVERY = 20
"""A destination that stays away is told of at the first failure, and then each so many attempts."""


def wait_before(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts in a row: doubled each time, at most six hours.

    Raises:
        ValueError: There was no attempt yet.
    """
    if attempts < 1:
        raise ValueError(f"attempts count from 1, got {attempts}")
    doubled: int = 2 ** min(attempts - 1, 16)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)
