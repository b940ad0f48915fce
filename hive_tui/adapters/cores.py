"""Processor cores as locks, shared by all processes that may only use so many; who dies gives its own back."""

from collections.abc import Callable
from pathlib import Path

from hive_tui.adapters.locks import FileLock
from hive_tui.domain.ports import Clock


class Cores:
    """So many cores. Who begins a piece of work takes one and goes before those who only help with another."""

    def __init__(self, folder: Path, count: int, clock: Clock) -> None:
        self.folder = folder
        self.count = count
        self.helped_s = 0.0
        """For how long spare cores were held that were given back: the sum over all of them."""
        self._clock = clock
        self._wanted = FileLock(folder / "wanted.lock")

    def try_take(self) -> Callable[[], None] | None:
        """A core for a piece of work: the function that gives it back. None if none is free: helpers make room then.

        Raises:
            StoreError: The files of the locks cannot be made.
        """
        taken = self._free()
        if taken is None:
            self._wanted.try_take("a core")
        else:
            self._wanted.release()
        return taken

    def want_none(self) -> None:
        """Nobody here waits for a core any more."""
        self._wanted.release()

    def try_help(self) -> Callable[[], None] | None:
        """A core that nobody waits for, for a short while: the function that gives it back."""
        release = None if self._wanted.is_held() else self._free()
        if release is None:
            return None
        begun = self._clock.monotonic()

        def give_back() -> None:
            self.helped_s += self._clock.monotonic() - begun
            release()

        return give_back

    def _free(self) -> Callable[[], None] | None:
        for number in range(self.count):
            lock = FileLock(self.folder / f"core-{number}.lock")
            if lock.try_take("condense"):
                return lock.release
        return None
