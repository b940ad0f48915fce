"""A file that a library reads by itself, of which we want to know how far that is."""

from typing import BinaryIO

from hive_tui.domain.errors import Cancelled
from hive_tui.domain.ports import Progress

TOLD_BYTES = 1 << 20
"""Libraries read pieces of a few kilobytes; progress is told, and may stop the work, when so much has come together."""


class WatchedFile:
    """Tells of what is read, and ends the reading once the person has stopped it."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._untold_bytes = 0
        self.stopped: Cancelled | None = None
        """Why the reading has ended, whatever error the library has made of it."""

    def read(self, size: int = -1) -> bytes:
        """The next piece; empty at the end.

        Raises:
            Cancelled: The person has stopped the work.
        """
        block = self._file.read(size)
        self._untold_bytes += len(block)
        if not block or self._untold_bytes >= TOLD_BYTES:
            self._tell()
        return block

    def seek(self, *arguments: int) -> int:
        """As of the file."""
        return self._file.seek(*arguments)

    def tell(self) -> int:
        """As of the file."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is a file on a disk."""
        return True

    def _tell(self) -> None:
        told, self._untold_bytes = self._untold_bytes, 0
        try:
            self._progress.advance(told)
        except Cancelled as error:
            self.stopped = error
            raise
