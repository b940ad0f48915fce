"""Listens to one source on a thread of its own: what fails there is told once, tried again, and holds up nothing."""

import threading
from collections.abc import Callable
from typing import Protocol

from hive_tui.domain.errors import HiveError
from hive_tui.domain.ports import Clock

FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0
"""Rests after failures in a row: each twice as long as the one before."""


class Source(Protocol):
    """Something that asks for wakes, or that is told of what happens. For one thread, but for `close`."""

    name: str
    """As people know it."""
    place: str
    """Those that share a place fail together, and are told of together."""

    def listen(self) -> None:
        """Deal with what is there, and wait a few seconds at most for more.

        Raises:
            HiveError: It cannot be done now.
        """
        ...

    def close(self) -> None:
        """End a `listen` soon, from any thread; it may be called again afterwards."""
        ...


class SourceRunner:
    """One source.

    Args:
        failed: Told of each failure.
        worked: Told of each success.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        failed: Callable[[Source, HiveError], None],
        worked: Callable[[Source], None],
    ) -> None:
        self.source = source
        self._clock = clock
        self._failed = failed
        self._worked = worked
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._began_at: float | None = None

    @property
    def busy_s(self) -> float:
        """Seconds since it began to listen; 0 while it rests."""
        began_at = self._began_at
        return self._clock.monotonic() - began_at if began_at is not None else 0.0

    def start(self) -> None:
        """Begin; once only."""
        self._thread = threading.Thread(target=self._run, name=self.source.name, daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """End soon; what is half done is done again by the next start."""
        self._stop.set()
        self.source.close()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended within that time."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        rest_s = FIRST_REST_S
        while not self._stop.is_set():
            if self._listen():
                rest_s = FIRST_REST_S
            elif not self._stop.wait(rest_s):
                rest_s = min(2 * rest_s, LONGEST_REST_S)

    def _listen(self) -> bool:
        self._began_at = self._clock.monotonic()
        try:
            self.source.listen()
        except Exception as error:
            if not self._stop.is_set():
                self._failed(self.source, _as_hive_error(error))
            return False
        else:
            self._worked(self.source)
            return True
        finally:
            self._began_at = None


def _as_hive_error(error: Exception) -> HiveError:
    """A mistake of our own must not end the listening, nor go unseen."""
    return error if isinstance(error, HiveError) else HiveError(f"{type(error).__name__}: {error}")
