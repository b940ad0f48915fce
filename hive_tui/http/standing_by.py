"""The HTTP surface beside a heartbeat: one process of the hive answers, and another takes over when that one ends."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from hive_tui.adapters.locks import FileLock
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.http.server import HttpServer
from hive_tui.http.surface import SURFACE
from hive_tui.services.answering import lock_of
from hive_tui.store import journal

if TYPE_CHECKING:
    from hive_tui.hive import Hive

LOOK_EVERY_S = 3.0
"""Between two looks whether the other process has ended, and whether our own server still answers."""
TRY_EVERY_S = 30.0
"""Between two tries to open what could not be opened."""
STOP_S = 10.0


class StandingBy:
    """Tries to answer, from `start` to `stop`, at the address of the settings.

    Args:
        hive: What is asked about.
        look_every_s: See `LOOK_EVERY_S`.
        try_every_s: See `TRY_EVERY_S`.
    """

    def __init__(self, hive: Hive, *, look_every_s: float = LOOK_EVERY_S, try_every_s: float = TRY_EVERY_S) -> None:
        self._hive = hive
        self._look_every_s = look_every_s
        self._try_every_s = try_every_s
        self._lock: FileLock = lock_of(hive.home)
        self._server: HttpServer | None = None
        self._told = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http beside", daemon=True)

    @property
    def address(self) -> str:
        """Where this process answers now; empty if it does not."""
        server = self._server
        return str(server.address).removeprefix("http://") if server is not None and server.is_alive else ""

    @property
    def is_acting(self) -> bool:
        """Whether an action that a program asked for is under way."""
        return self._server is not None and self._server.is_acting

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that the interpreter would wait for at its end."""
        return self._server is not None and self._server.is_busy

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and let what is under way come to its end for a while. Blocks."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            wait_s = self._try()

    def _try(self) -> float:
        """Answer until that ends, if it is our turn; seconds until the next try."""
        try:
            if not self._lock.try_take(self._hive.settings.http.address):
                return self._look_every_s
            try:
                self._answer()
            finally:
                self._lock.release()
        except HiveError as error:
            self._tell(error)
        return self._try_every_s

    def _answer(self) -> None:
        # Known before it is open: the event of that makes screens ask for the address.
        server = self._server = HttpServer(self._hive, self._hive.settings.http.address)
        try:
            server.start()
            self._told = ""
            while server.is_alive and not self._stop.wait(self._look_every_s):
                pass
        finally:
            server.stop()
            if not server.is_busy:  # else whoever ends the process has to know
                self._server = None

    def _tell(self, error: HiveError) -> None:
        """Once for each reason: it is tried again and again."""
        if error.what == self._told:
            return
        self._told = error.what
        event = Event(EventKind.HTTP_FAILED, f"{error.what} {error.hint}".strip(), None, SURFACE, Severity.WARNING)
        with suppress(HiveError):
            self._hive.database.write(journal.log, event, now=self._hive.clock.now())
        self._hive.hub.publish(event)
