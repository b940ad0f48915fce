"""How far git is with the packs that it writes: by their size, since it says nothing of bytes while it begins."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from hive_tui.adapters.git.command import TICK_S
from hive_tui.adapters.git.sandbox import Sandbox
from hive_tui.domain.ports import Progress

T = TypeVar("T")
UNFINISHED = "tmp_pack_*"
"""How git names a pack that it has not finished."""


class Growth:
    """Tells of the packs that grow in a sandbox; looked at by the thread that waits for them."""

    def __init__(self, box: Sandbox, progress: Progress | None, present_bytes: int, past_bytes: int) -> None:
        """Make it, with about what the captured state and the history take."""
        self._box = box
        self._progress = progress
        self.present_bytes = present_bytes
        self._past_bytes = past_bytes
        self._sizes: dict[Path, int] = {}

    @property
    def watched(self) -> Sandbox:
        """The sandbox, with git commands that look at the growth while they run."""
        return replace(self._box, plain=replace(self._box.plain, watch=self.look))

    def step(self, name: str, total_bytes: int = 0) -> None:
        """Something else begins."""
        if self._progress is not None:
            self._progress.step(name, total_bytes)

    def advance(self, done_bytes: int) -> None:
        """So much was written that is no pack of git's."""
        if self._progress is not None:
            self._progress.advance(done_bytes)

    def look(self) -> None:
        """Tell how much was written since the last look.

        Raises:
            Cancelled: The person has stopped the work.
        """
        if self._progress is None:
            return
        for path in self._box.packs.glob(UNFINISHED):
            try:
                size = path.stat().st_size
            except OSError:  # finished between two looks
                continue
            self._progress.advance(max(0, size - self._sizes.get(path, 0)))
            self._sizes[path] = size

    def awaited(self, running: Future[T]) -> Callable[[], T]:
        """Waits for the history that is packed beside, and looks at the growth meanwhile."""

        def wait() -> T:
            if not running.done():
                self.step("pack the history", self._past_bytes)
            while True:
                try:
                    return running.result(timeout=TICK_S)
                except TimeoutError:
                    if running.done():
                        raise
                    self.look()

        return wait
