"""Errors of the system, told as a person can read them."""

from collections.abc import Iterator
from contextlib import contextmanager

from hive_tui.adapters.files.writer import FULL
from hive_tui.domain.errors import MAKE_ROOM, DiskFull, WorkspaceError


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the system says of a file into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(str(error.filename or "the disk")) from error
        raise WorkspaceError(
            f"{error.filename or 'A file'} cannot be used: {error.strerror}.",
            hint="Look at its permissions and at the disk, then try again.",
        ) from error


def disk_full(place: str) -> DiskFull:
    """The error for a place without space."""
    return DiskFull(f"There is no space left on {place}.", hint=MAKE_ROOM)
