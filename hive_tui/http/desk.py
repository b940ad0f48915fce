"""What every route has at hand: the hive, threads for what blocks, and the feed of events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event
from hive_tui.http.feed import EventFeed
from hive_tui.http.problems import Problem
from hive_tui.store import agents as agent_store
from hive_tui.store import journal

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.observer import Observation

P = ParamSpec("P")
T = TypeVar("T")

SHORT_AT_ONCE, LONG_AT_ONCE = 3, 4
MOST_LONG = 64
"""So many may run or wait for a thread, whose clients may have left; of all else each connection has one at most."""
MOST_STREAMS = 64
QUIET_S = 15.0


class Desk:
    """For the routes; belongs to the thread of the loop, but for what it runs in threads.

    Args:
        hive: What is asked about.
        quiet_s: After so many seconds without an event a comment goes to readers, so that both sides notice the
            other's end.
    """

    def __init__(self, hive: Hive, *, quiet_s: float = QUIET_S) -> None:
        self.hive = hive
        self.quiet_s = quiet_s
        self.feed = EventFeed(hive.listening.event_log)
        self.streams = 0
        """Answers that are streams, now."""
        self.stopping = asyncio.Event()
        # Of their own each: a wake must not wait behind somebody's checkpoint.
        self._short = ThreadPoolExecutor(SHORT_AT_ONCE, thread_name_prefix="http short")
        self._long = ThreadPoolExecutor(LONG_AT_ONCE, thread_name_prefix="http long")
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="http look")
        self._begun: dict[ThreadPoolExecutor, set[Future[Any]]] = {
            pool: set() for pool in (self._short, self._long, self._looks)
        }
        self._turn = asyncio.Lock()
        self._begun_looks = 0
        self._seen: tuple[int, Observation] | None = None

    async def run_short(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something in a thread that takes a moment, as reading and writing the database does."""
        return await self._run(self._short, work, *args, **kwargs)

    async def run_long(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something in a thread that may take minutes, and goes on even if the client has left.

        Raises:
            Problem: Too much is under way.
        """
        if len(self._begun[self._long]) >= MOST_LONG:
            what = "Too much is under way; nothing of this request was done."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, what, hint="Try again soon.", headers={"Retry-After": "5"})
        return await self._run(self._long, work, *args, **kwargs)

    async def look(self) -> Observation:
        """What a look at the panes shows that began after this was called.

        All who ask during one look share the next: a tmux that hangs holds up nobody but them.
        """
        arrived = self._begun_looks
        async with self._turn:
            if self._seen is None or self._seen[0] <= arrived:
                self._begun_looks += 1
                self._seen = (self._begun_looks, await self._run(self._looks, self.hive.observer.observe))
            return self._seen[1]

    async def agent(self, name_or_id: str) -> Agent:
        """The agent that answers to a name or id.

        Raises:
            NotFound: There is none.
        """
        return await self.run_short(self.hive.database.read, agent_store.find, name_or_id)

    async def log(self, event: Event) -> None:
        """Write down what happened; where that cannot be done, those in this process are told at least."""
        await self.run_short(self._log, event)

    @property
    def is_acting(self) -> bool:
        """Whether something runs in a thread that may take minutes."""
        return any(not one.done() for one in list(self._begun[self._long]))

    @property
    def is_busy(self) -> bool:
        """Whether anything runs in a thread."""
        return any(not one.done() for begun in self._begun.values() for one in list(begun))

    def close(self) -> None:
        """Take no more work; what runs goes on."""
        self.feed.stop()
        for pool in self._begun:
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        begun: Future[T] = pool.submit(work, *args, **kwargs)
        self._begun[pool].add(begun)
        begun.add_done_callback(self._begun[pool].discard)
        return await asyncio.shield(asyncio.wrap_future(begun))

    def _log(self, event: Event) -> None:
        with suppress(HiveError):
            self.hive.database.write(journal.log, event, now=self.hive.clock.now())
        self.hive.hub.publish(event)
