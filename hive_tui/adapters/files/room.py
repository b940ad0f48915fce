"""Looks whether there is room before something large is written, so that nothing has to be cleared away after."""

import os
from contextlib import suppress
from itertools import takewhile
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
        raise too_little(folder, needed_bytes, needed_bytes - free)


def too_little(place: Path, needed_bytes: int, missing_bytes: int, *, hint: str = MAKE_ROOM) -> DiskFull:
    """The error for a disk on which something does not fit.

    Args:
        place: On that disk; it need not be there, and may be gone by the time that somebody reads this.
        needed_bytes: What is about to be written; 0 if it is only what must stay free.
        missing_bytes: How much more would have to be free.
        hint: What to do besides making room.
    """
    needs = f"{bytes_in_words(needed_bytes)} are to be written" if needed_bytes else "some of it must stay free"
    missing = bytes_in_words(missing_bytes)
    return DiskFull(
        f"There is not enough space left on the disk at {disk_of(place)}: {needs}, and {missing} are missing.",
        hint=f"Free {missing} or more there. {hint}",
    )


def no_space(place: Path) -> DiskFull:
    """The error for a disk that was full before everything was written, so that nobody knows how much is missing."""
    disk = disk_of(place)
    with suppress(OSError):
        free = bytes_in_words(max(0, free_bytes(disk)))
        return DiskFull(f"There is no space left on the disk at {disk}: {free} can still be written.", hint=MAKE_ROOM)
    return DiskFull(f"There is no space left on the disk at {disk}.", hint=MAKE_ROOM)


def disk_of(place: Path) -> Path:
    """Where the disk is mounted that a place lies on, or lay on."""
    try:
        there = next(one for one in (place, *place.parents) if one.exists()).resolve()
        device = there.stat().st_dev
        on_it = takewhile(lambda one: one.stat().st_dev == device, (there, *there.parents))
        return list(on_it)[-1]
    except (OSError, StopIteration):
        return place
