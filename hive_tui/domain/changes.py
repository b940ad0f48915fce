"""What notices that the database is written to, by whichever process."""

from enum import StrEnum
from typing import Protocol


class Heard(StrEnum):
    """What has ended a wait."""

    NOTHING = "nothing"
    WRITE = "write"
    """The database was written to; the commit can be read now, or in a moment."""
    RING = "ring"
    READER_GONE = "reader gone"


class Changes(Protocol):
    """Notices that some process writes into the database. For one thread at a time, but for `ring`."""

    @property
    def is_watching(self) -> bool:
        """Whether a write is noticed at once; else whoever waits must look now and then."""
        ...

    def fileno(self) -> int:
        """A descriptor that becomes readable with a write; -1 for none."""
        ...

    def drain(self) -> bool:
        """Take what has come; whether a write into the database was among it."""
        ...

    def ring(self) -> None:
        """End a wait, from any thread."""
        ...

    def wait(self, timeout_s: float, *, for_writes: bool = True, reader_of: int = -1) -> Heard:
        """Wait for a write, a ring, the end of the reader of a pipe, or of the time."""
        ...

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        ...
