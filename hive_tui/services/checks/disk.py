"""Whether there is room for what comes, and a reserve for the day there is not."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.errors import MAKE_ROOM
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.settings import Settings

AREA = "disk reserve"
LOW_DISK_BYTES = 2_000_000_000
NO_DISK_BYTES = 1_000_000
"""With less nothing works but what frees space."""


class Disk:
    """The file system of the hive's home, and of its log."""

    def __init__(self, home: Path, loaded: Settings) -> None:
        self._home = home
        self._settings = loaded

    def checks(self) -> list[Check]:
        """Room, reserve, log."""
        return [
            Check(AREA, "disk", self.room),
            Check(AREA, "reserve", self.reserve),
            Check(AREA, "log", self.log),
        ]

    def room(self) -> Iterator[Finding]:
        """What is free for checkpoints."""
        free = shutil.disk_usage(self._home).free
        status = "ok" if free > LOW_DISK_BYTES else "warning" if free > NO_DISK_BYTES else "broken"
        mend = "" if status == "ok" else f"Free some space below {self._home}. {MAKE_ROOM}"
        yield Finding("disk", status, f"{bytes_in_words(free)} free for checkpoints", mend)

    def reserve(self) -> Iterator[Finding]:
        """What `prune` and `delete` live on when nothing is free."""
        path = self._home / "hive.db.reserve"
        if path.exists():
            yield Finding("reserve", "ok", f"{bytes_in_words(path.stat().st_size)} are kept in {path}")
        else:
            mend = "Free some space; the next start of hive-tui makes it again"
            yield Finding("reserve", "warning", f"there is no {path.name}", mend)

    def log(self) -> Iterator[Finding]:
        """Whether the log that is named can be written."""
        if not self._settings.log.file:
            return
        path = Path(self._settings.log.file).expanduser()
        folder = next((one for one in path.parents if one.exists()), path.parent)
        is_odd = path.is_symlink() or path.is_dir() or not folder.is_dir()
        if is_odd or not os.access(path if path.exists() else folder, os.W_OK):
            yield Finding(
                "log", "broken", f"{path} cannot be written", "Name another file in `[log]`, or mend its mode"
            )
        else:
            yield Finding("log", "ok", str(path))
