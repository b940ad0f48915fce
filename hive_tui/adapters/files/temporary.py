"""Temporary folders that are cleared away even if their process is killed: by the next one that needs one there."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def work_folder(beside: Path, prefix: str) -> Iterator[Path]:
    """A private folder in `beside`, gone afterwards; those of dead processes go first.

    Args:
        beside: Where it lies.
        prefix: How its name begins; the id of this process follows.
    """
    clear_away(beside, prefix)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=beside))
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks; then the process's id has to do
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def clear_away(beside: Path, prefix: str, is_running: Callable[[int], bool] | None = None) -> list[Path]:
    """Remove the folders of dead processes; those that were removed.

    Args:
        beside: Where they lie.
        prefix: How their names begin.
        is_running: Whether the process with an id lives; None to ask the system.
    """
    alive = is_running or process_runs
    cleared: list[Path] = []
    for left in beside.glob(f"{prefix}[0-9]*-*"):
        pid = left.name.removeprefix(prefix).split("-")[0]
        if pid.isdigit() and not alive(int(pid)) and not _is_held(left):
            shutil.rmtree(left, ignore_errors=True)
            cleared.append(left)
    return cleared


def _is_held(folder: Path) -> bool:
    """Whether a process works in it that cannot be seen from here, such as one in a container."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def process_runs(pid: int) -> bool:
    """Whether a process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
