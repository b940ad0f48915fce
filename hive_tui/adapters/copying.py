"""Copies a file so that it is complete and right under its name, or not there at all."""

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hive_tui.adapters.files.room import disk_of
from hive_tui.domain.errors import CheckpointError, DiskFull
from hive_tui.domain.ports import Progress

CHUNK_BYTES = 1 << 20
PRIVATE = 0o600


def copy_verified(
    source: Path, target: Path, sha256: str | None, progress: Progress, *, overwrite: bool = False
) -> str:
    """Copy a file, flush it to the disk, read it back and give it its name; its SHA-256. Mode 0600.

    Args:
        source: What is copied.
        target: Where it goes; its folder is there.
        sha256: What the content must be; None to take it as it is.
        progress: Told of every byte, and asked whether to stop.
        overwrite: Replace what is at `target`; else that is an error.

    Raises:
        CheckpointError: There is something at `target`, or the copy is not what it must be.
        DiskFull: There is not enough space.
        Cancelled: The person stopped it. Nothing is left behind, here as in the other cases.
    """
    temp = temporary(target)
    try:
        written = _copy(source, temp, progress)
        if hash_of(temp, progress) != written or sha256 not in (None, written):
            raise CheckpointError(
                f"The copy of {source.name} is not what it must be: its hash differs.",
                hint="Validate the checkpoint, then try again; if it happens again, look at the disk.",
            )
        put_in_place(temp, target, overwrite=overwrite)
        return written
    except OSError as error:
        raise as_error(error, target) from error
    finally:
        with suppress(OSError):
            temp.unlink(missing_ok=True)


def temporary(target: Path) -> Path:
    """A name beside the target; `archive.writer.sweep` knows such names and removes those of the dead."""
    return target.with_name(f".{target.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")


def put_in_place(temp: Path, target: Path, *, overwrite: bool = False) -> None:
    """Rename, and make that survive a power cut.

    Raises:
        CheckpointError: There is something at `target`.
    """
    if overwrite:
        temp.rename(target)
    else:
        _link(temp, target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hash_of(path: Path, progress: Progress) -> str:
    """The SHA-256 of what is on the disk, and not only in memory where the system lets us say so."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(CHUNK_BYTES):
            sha256.update(block)
            progress.advance(len(block))
    return sha256.hexdigest()


def as_error(error: OSError, target: Path) -> CheckpointError:
    """What the system said, as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        disk = disk_of(target)
        return DiskFull(f"The disk at {disk} is full: {target.name} could not be written.", hint="Free space there.")
    return CheckpointError(
        f"{target} could not be written: {error.strerror or error}.", hint=f"Look at {error.filename or target}."
    )


@contextmanager
def new_private(path: Path) -> Iterator[BinaryIO]:
    """A new file of its owner's alone, on the disk when the block ends well; gone where it does not."""
    with create_private(path) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise


def create_private(path: Path) -> BinaryIO:
    """A new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE), "wb")


def _copy(source: Path, temp: Path, progress: Progress) -> str:
    sha256 = hashlib.sha256()
    with source.open("rb") as read, new_private(temp) as written:
        while block := read.read(CHUNK_BYTES):
            sha256.update(block)
            written.write(block)
            progress.advance(len(block))
    return sha256.hexdigest()


def _link(temp: Path, target: Path) -> None:
    """Rename without ever replacing a file, also where somebody makes it in this very moment."""
    try:
        os.link(temp, target)
    except FileExistsError:
        raise CheckpointError(
            f"There is already a file {target}.", hint="Name another one, or add --force to replace it."
        ) from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        if target.exists():  # a file system without hard links
            raise CheckpointError(f"There is already a file {target}.", hint="Name another one.") from None
        temp.rename(target)
    else:
        temp.unlink()
