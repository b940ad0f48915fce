"""Temporary folders that are cleared away even if their process is killed: by the next one that needs one there."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def work_folder(beside: Path, prefix: str) -> Iterator[Path]:
    """A private folder in `beside`, gone afterwards; those of dead processes go first.

    Args:
        beside: Where it lies.
        prefix: How its name begins; the id of this process follows.
    """
    for left in beside.glob(f"{prefix}[0-9]*-*"):
        if not _is_running(int(left.name.removeprefix(prefix).split("-")[0])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
