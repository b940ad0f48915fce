"""A lock on a folder itself, which leaves no file behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.ports import Clock


@contextmanager
def held_folder(folder: Path, clock: Clock, *, wait_s: float) -> Iterator[bool]:
    """Hold the folder's lock; False if another one still held it after so many seconds.

    Raises:
        OSError: The folder cannot be opened or locked.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield wait_until(lambda: _try_to_take(descriptor), timeout_s=wait_s, clock=clock)
    finally:
        os.close(descriptor)


def _try_to_take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
