"""The spool of hook events: one file an event, in a folder of the hive's home.

A file gets its final name only when it is whole, so kill -9 at any point leaves either an event or a hidden rest. It
is not fsynced: an event tells what an agent does at the moment, and a power cut ends the agents too. Where the home
cannot be written, as on a full disk, events go to the runtime folder, which is memory on most machines.

The hook imports this module: nothing here may be slow to import.
"""

import os
from binascii import crc32

HELD = "hooks"
"""Name of the folder in the hive's home."""
PRIVATE = 0o700
LARGEST_BYTES = 64 * 1024
"""No event is larger; a larger file is not ours."""
REST_AGE_S = 3600.0
"""A hidden file that old was left behind by a hook that was killed."""


def folders(home: str) -> tuple[str, str]:
    """Where events of this hive wait: its own folder, and the one for when that cannot be written."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/hive-tui-{os.getuid()}"
    return os.path.join(home, HELD), os.path.join(runtime, f"hive-tui-hooks-{crc32(os.fsencode(home)):08x}")


def keep(home: str, name: str, body: bytes) -> None:
    """Put an event into the spool under a name that sorts by time.

    Raises:
        OSError: It could be written neither in the home nor in the runtime folder.
    """
    own, second = folders(home)
    try:
        _put(own, name, body)
    except OSError:
        _put(second, name, body)


def _put(folder: str, name: str, body: bytes) -> None:
    part = f"{folder}/.{name}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(part, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(folder, PRIVATE, exist_ok=True)
        descriptor = os.open(part, flags, 0o600)
    try:
        try:
            if not is_ours(folder):
                raise PermissionError(f"{folder} belongs to somebody else")
            if os.write(descriptor, body) != len(body):
                raise OSError("the disk is full")
        finally:
            os.close(descriptor)
        os.rename(part, f"{folder}/{name}")
    except OSError:
        drop(part)
        raise


def is_ours(folder: str) -> bool:
    """Whether the folder is no link and belongs to this user: the second one may lie where all can write."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return found.st_uid == os.getuid() and found.st_mode & 0o170000 == 0o040000


def waiting(home: str) -> list[str]:
    """Paths of the events that wait, oldest first.

    Raises:
        OSError: The folder is there and cannot be read.
    """
    found: list[tuple[str, str]] = []
    for folder in folders(home):
        if is_ours(folder):
            found += [(name, folder) for name in os.listdir(folder) if name[:1] != "."]
    return [f"{folder}/{name}" for name, folder in sorted(found)]


def read(path: str) -> bytes | None:
    """The content of an event; None if another process has taken it in meanwhile.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        return os.read(descriptor, LARGEST_BYTES + 1)
    finally:
        os.close(descriptor)


def drop(path: str) -> None:
    """Remove an event that was taken in; it may be gone already."""
    try:
        os.unlink(path)
    except OSError:
        pass


def sweep(home: str, *, now_s: float) -> None:
    """Remove what killed hooks have left behind.

    Raises:
        OSError: The folder is there and cannot be read.
    """
    for folder in folders(home):
        if not is_ours(folder):
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[:1] == "." and now_s - entry.stat(follow_symlinks=False).st_mtime > REST_AGE_S:
                    drop(entry.path)
