"""Who reads a checkpoint's file holds a shared lock on it, and who wants to remove it asks for the only one.

The kernel takes the locks back when their holder dies.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def being_read(path: Path) -> Iterator[None]:
    """Keep the file from being pruned meanwhile; one that is not there needs no keeping."""
    descriptor = None
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def nobody_reads(path: Path) -> Iterator[bool]:
    """Whether nobody reads the file now, nor begins to as long as this lasts; true of one that is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)
