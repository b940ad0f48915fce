"""Work that must not hold up the heartbeat, and work that may hang for ever: each on a thread that dies with us."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from hive_tui.domain.errors import Cancelled, OffsiteError
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.progress import Unwatched

T = TypeVar("T")
LOOK_EVERY_S = 0.05
STOPS_WITHIN_S = 1.0
"""Work that is asked to stop and moves on does so within that time."""


class Moved(Unwatched):
    """Progress that knows when something last moved."""

    def __init__(self, clock: Clock, watcher: Progress | None = None) -> None:
        """Make it; the watcher is told, too, and may stop the work."""
        super().__init__()
        self._clock = clock
        self._watcher = watcher or Unwatched()
        self._moved_at = clock.monotonic()

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins."""
        self._moved_at = self._clock.monotonic()
        super().step(name, total_bytes)

    def advance(self, done_bytes: int) -> None:
        """So many more bytes are done."""
        self._moved_at = self._clock.monotonic()
        self._watcher.advance(done_bytes)
        super().advance(done_bytes)

    @property
    def is_unwanted(self) -> bool:
        """Whether the person has stopped the work, and it does not notice."""
        return self._watcher.cancelled.is_set() and self.idle_s > STOPS_WITHIN_S

    @property
    def idle_s(self) -> float:
        """Seconds since something moved."""
        return self._clock.monotonic() - self._moved_at


class Patience:
    """Runs work that asks a disk or a network which may never answer, and gives up waiting for it.

    What hangs cannot be ended; it is left behind, and until it ends nothing more is asked of that place.
    """

    def __init__(self, what: str, clock: Clock, *, timeout_s: float) -> None:
        self._what = what
        self._clock = clock
        self._timeout_s = timeout_s
        self._stuck: threading.Thread | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether what was given up still hangs."""
        return self._stuck is not None and self._stuck.is_alive()

    def run(self, work: Callable[[Moved], T], watcher: Progress | None = None) -> T:
        """Do the work on a thread of its own; what it returns or raises.

        Raises:
            OffsiteError: Nothing moved for `timeout_s` seconds.
            Cancelled: The watcher has stopped it.
        """
        if self.is_stuck:
            raise OffsiteError(f"{self._what} still does not answer.", hint="Look at the mount or the network.")
        progress = Moved(self._clock, watcher)
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work(progress))
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run, name="second place", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_EVERY_S)
            if thread.is_alive() and (progress.idle_s > self._timeout_s or progress.is_unwanted):
                progress.cancelled.set()
                self._stuck = thread
                if progress.is_unwanted:
                    raise Cancelled("Stopped, as you asked.", hint="Nothing was changed here.")
                raise OffsiteError(
                    f"{self._what} does not answer: nothing moved for {self._timeout_s:g} s.",
                    hint="Look at the mount or the network; it is tried again.",
                )
        if errors and watcher is not None and watcher.cancelled.is_set():
            # A library between us and the place may have made another error of it.
            raise Cancelled("Stopped, as you asked.", hint="Nothing was changed here.") from errors[0]
        if errors:
            raise errors[0]
        return results[0]


class Background:
    """At most one piece of work at a time, on a thread that the end of the program does not wait for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the last piece of work has not ended."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[], object]) -> bool:
        """Begin the work; False if there is some under way.

        Raises:
            Exception: What ended the work before, which its caller must hear of; nothing is begun then.
        """
        if self.is_busy:
            return False
        error, self._error = self._error, None
        if error is not None:
            raise error
        self._thread = threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True)
        self._thread.start()
        return True

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            self._error = error

    def wait(self, timeout_s: float) -> bool:
        """Whether it is done within so many seconds."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_busy


def all_at_once(name: str, work: Callable[[T], object], items: Sequence[T]) -> None:
    """Do the work for each item, each on a thread that the end of the program does not wait for; wait for all.

    Raises:
        Exception: The first that ended one of them.
    """
    errors: list[Exception] = []

    def run(item: T) -> None:
        try:
            work(item)
        except Exception as error:
            errors.append(error)

    # No pool: the interpreter waits at its end for the threads of every pool, whoever made it.
    threads = [threading.Thread(target=run, args=(item,), name=name, daemon=True) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
