"""New databases as copies of one: the steps of the schema take four times as long as all else that opens one.

Their way from nothing is tested in `tests/store`.
"""

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from hive_tui.store.database import Database
from hive_tui.store.full_disk import RESERVE_BYTES
from tests.clocks import FakeClock


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory(prefix="hive-schema-") as folder:
        path = Path(folder) / "hive.db"
        made = Database(path, FakeClock())
        made.checkpoint_wal(own=True)
        made.close()
        assert sorted(one.name for one in path.parent.iterdir()) == ["hive.db", "hive.db.reserve"], "all is in the file"
        return path.read_bytes()


def migrated(path: Path) -> Path:
    """Make the file, unless it is there, an empty database of the newest schema; give back its path."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(_empty())
        reserve = path.with_name(f"{path.name}.reserve")
        reserve.touch(mode=0o600)
        with reserve.open("r+b") as file:
            # Of this size it is taken for the real one. Where disks of a test's own are filled, it has its space too.
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            file.truncate(RESERVE_BYTES)
    return path


def home_with_database(home: Path) -> Path:
    """A home of hive-tui that has such a database; give back the home."""
    migrated(home / "hive.db")
    return home
