"""The HTTP surface as a whole: on a thread and an event loop of its own, started once and stopped once."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from hive_tui.domain.addresses import Address, parse_address
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind

if TYPE_CHECKING:
    from hive_tui.hive import Hive

try:
    from hive_tui.http.desk import QUIET_S, Desk
    from hive_tui.http.doorkeeper import Doorkeeper
    from hive_tui.http.listening import Listener, listen
    from hive_tui.http.surface import SURFACE, Surface
    from hive_tui.http.token import TokenFile
    from hive_tui.http.webhooks import check_secrets
    from hive_tui.http.wire import Patience, Wire
except ModuleNotFoundError as error:
    if error.name != "h11":
        raise
    raise HiveError(
        "The HTTP surface needs a package that is not installed.", hint="`pip install 'hive-tui[http]'`"
    ) from error

MOST_CONNECTIONS = 128
FINISH_S = 5.0
"""Requests that are under way at the stop may take so long."""
START_S, JOIN_S = 15.0, 9.0


class HttpServer:
    """Answers by HTTP until it is stopped.

    Args:
        hive: What is asked about.
        address: See `parse_address`.
        patience: How long clients may take.
        quiet_s: See `Desk`.

    Raises:
        ConfigError: The address is none for this machine alone.
    """

    def __init__(self, hive: Hive, address: str, *, patience: Patience | None = None, quiet_s: float = QUIET_S) -> None:
        self.address: Address = parse_address(address)
        """Where it answers; with port 0, the real one once it has started."""
        self.token = TokenFile(hive.home)
        self._hive = hive
        self._patience = patience or Patience()
        self._quiet_s = quiet_s
        self._desk: Desk | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._connections: dict[asyncio.Task[None], Wire] = {}
        self._is_up = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Answer from now on. Blocks for a moment.

        Raises:
            HiveError: It cannot be opened, or a secret cannot be read.
        """
        check_secrets(self._hive.settings.webhooks)
        self.token.ensure()
        self._thread.start()
        if not self._is_up.wait(START_S):
            raise HiveError(f"Nobody can connect at {self.address}: it did not start within {START_S:g} s.")
        if self._error is not None:
            raise self._error

    def stop(self) -> bool:
        """Let nobody in any more, and wait a little for what is under way; whether all of it has ended. Blocks."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(JOIN_S)
        return not (self._thread.is_alive() or self.is_busy)

    @property
    def is_alive(self) -> bool:
        """Whether it still answers."""
        return self._is_up.is_set() and self._thread.is_alive()

    @property
    def is_acting(self) -> bool:
        """Whether an action is under way, and not only reads and short writes."""
        return self._desk is not None and self._desk.is_acting

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that the interpreter would wait for at its end."""
        return self._desk is not None and self._desk.is_busy

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._error = error
        finally:
            self._is_up.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        desk = self._desk = Desk(self._hive, quiet_s=self._quiet_s)
        try:
            listener = await self._listen(desk)
            try:
                text = f"Programs are answered at {self.address}; `hive-tui http token` prints their token"
                await desk.log(Event(EventKind.HTTP_OPENED, text, None, SURFACE))
                self._is_up.set()
                await self._stop.wait()
            finally:
                listener.close()
                await self._finish(desk)
        finally:
            desk.close()

    async def _listen(self, desk: Desk) -> Listener:
        surface: list[Surface] = []

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not surface or len(self._connections) >= MOST_CONNECTIONS:
                writer.transport.abort()
                return
            task = asyncio.current_task()
            assert task is not None
            wire = self._connections[task] = Wire(reader, writer, self._patience)
            try:
                await surface[0].serve(wire)
            except asyncio.CancelledError:
                wire.abort()
            finally:
                del self._connections[task]

        listener = await listen(self.address, connected)
        self.address = listener.address
        wanted = self._hive.settings.http
        door = Doorkeeper(self.address, wanted.hosts, self.token, self._hive.clock, per_s=wanted.requests_per_s)
        surface.append(Surface(desk, door))
        return listener

    async def _finish(self, desk: Desk) -> None:
        """End streams and waits now, let actions come to their end for a while, and cut off the rest."""
        desk.stopping.set()
        await _cut([task for task, wire in self._connections.items() if wire.is_idle])
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=FINISH_S)
        await _cut(list(self._connections))


async def _cut(connections: list[asyncio.Task[None]]) -> None:
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
