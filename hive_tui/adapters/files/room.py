"""Looks whether there is room before something large is written, so that nothing has to be cleared away after."""

import os
from pathlib import Path

from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.errors import MAKE_ROOM, DiskFull
from hive_tui.domain.space import reserve_bytes


def free_bytes(folder: Path) -> int:
    """What may be written below a folder; negative where less is free than must stay so.

    Raises:
        OSError: It is not there.
    """
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize - reserve_bytes(disk.f_blocks * disk.f_frsize)


def require_room(folder: Path, needed_bytes: int = 0) -> None:
    """Refuse to begin, or to go on with, what would not leave enough free.

    Args:
        folder: On the disk that is written.
        needed_bytes: What is about to be written, at most.

    Raises:
        DiskFull: It does not fit.
    """
    free = free_bytes(folder)
    if free < needed_bytes:
        needs = f"{bytes_in_words(needed_bytes)} are to be written" if needed_bytes else "the rest must stay free"
        raise DiskFull(f"There is not enough space left on the disk of {folder}: {needs}.", hint=MAKE_ROOM)
