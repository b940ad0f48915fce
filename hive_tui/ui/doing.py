"""Runs what a person asked for: beside the screen, as a job that shows how far it is, with a way back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from hive_tui.domain.errors import Cancelled
from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.ui.jobs import Jobs
from hive_tui.ui.mishaps import tell
from hive_tui.ui.undo import Deed, UndoStack, in_words

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

T = TypeVar("T")
AT_ONCE = 8


class Done(Struct, frozen=True):
    """How a piece of work ended."""

    said: str = ""
    """What the person is told; empty for nothing."""
    undo: Callable[[], None] | None = None
    """Takes it back; called in the event loop."""
    refusal: str = ""
    """Why it cannot be taken back."""


Work = Callable[[MeasuredProgress], Done]


class Doing:
    """The work in flight, and what of it can be undone. Called in the event loop, but for the work itself."""

    def __init__(self, app: "HiveApp", clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="verb")
        self._running: set[Future[object]] = set()
        self._press = 0
        self.undoing: Deed | None = None
        """What is being taken back at this moment; who asks before it is done remembers it for `keep`."""
        self.jobs = Jobs(clock)
        self.deeds = UndoStack()

    @property
    def is_busy(self) -> bool:
        """Whether work still runs: where it runs, and not where somebody waits for it."""
        return any(not future.done() for future in list(self._running))

    @property
    def can_undo(self) -> bool:
        """Whether something of what the latest key press did can be taken back."""
        return any(one.undo is not None for one in self.deeds.latest())

    def press(self) -> None:
        """A key was pressed: what is begun from now on is undone together."""
        self._press += 1

    def begin(
        self, title: str, work: Work, *, agent_id: str | None = None, what: str = "", undoes: Deed | None = None
    ) -> None:
        """Run work in a thread; what it says, or what went wrong, becomes a toast.

        Args:
            title: The job's name; empty for work that takes no time, which is no job.
            work: Blocks. `Cancelled` and `HiveError` are told.
            agent_id: Whose job it is.
            what: What is done, for undo: `the nap of shop`; empty where nothing is changed.
            undoes: What it takes back, if it begins later than `undo`; that can be tried again if it fails.
        """
        deed, undoes = self._note(what), undoes or self.undoing

        async def run() -> None:
            try:
                await self._carry_out(title, work, agent_id, deed)
            except Exception as error:
                self.keep(undoes)
                self._tell(title, error)

        self._app.run_worker(run(), group="verbs")

    async def perform(self, title: str, work: Work, *, what: str) -> None:
        """The same, for a caller that waits for the end and tells by itself what went wrong.

        Raises:
            HiveError: The work failed.
        """
        await self._carry_out(title, work, None, self._note(what))

    def change(self, change: Callable[[], object]) -> None:
        """A change that takes no time and needs no words; it cannot be undone."""

        def work(_: MeasuredProgress) -> Done:
            change()
            return Done()

        self.begin("", work)

    def _note(self, what: str) -> Deed | None:
        """What is begun can be undone once it is done; an undo itself is not undone by the next one."""
        return self.deeds.begin(what, self._press) if what and self.undoing is None else None

    async def _carry_out(self, title: str, work: Work, agent_id: str | None, deed: Deed | None) -> None:
        try:
            done = await self.watched(title, agent_id, work)
        except BaseException:
            if deed is not None:
                self.deeds.drop(deed)
            raise
        if deed is not None:
            self.deeds.end(deed, done.undo, done.refusal)
            self.jobs.changed()
        if done.said:
            self._app.notify(done.said)

    async def watched(self, title: str, agent_id: str | None, work: Callable[[MeasuredProgress], T]) -> T:
        """Run work beside the screen; with a title, as a job, which lasts as long as the work does."""
        if not title:
            return await self.in_background(lambda: work(MeasuredProgress(self._clock)))
        job = self.jobs.begin(title, agent_id)
        loop = asyncio.get_running_loop()

        def ended(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended before the work
                loop.call_soon_threadsafe(self.jobs.end, job)

        return await self._submitted(lambda: work(job.progress), ended)

    async def in_background(self, work: Callable[[], T]) -> T:
        """Run long work, on threads of its own: no number of checkpoints may hold up a picture."""
        return await self._submitted(work, lambda _: None)

    async def _submitted(self, work: Callable[[], T], ended: Callable[[object], None]) -> T:
        future: Future[T] = self._threads.submit(work)
        self._running.add(future)  # type: ignore[arg-type]
        future.add_done_callback(self._running.discard)
        future.add_done_callback(ended)
        return await asyncio.wrap_future(future)

    def undo(self) -> None:
        """Take back what the latest key press did."""
        latest = self.deeds.latest()
        if not latest:
            self._app.notify("There is nothing to undo.")
        elif any(one.is_under_way for one in latest):
            self._app.notify(f"{in_words(latest).capitalize()} is under way; x stops it.", severity="warning")
        else:
            self._take_back(self.deeds.pop())
            self.jobs.changed()

    def _take_back(self, deeds: list[Deed]) -> None:
        refused = [one for one in deeds if one.undo is None]
        if refused:
            self._app.notify(f"Cannot undo {in_words(refused)}: {refused[0].refusal}", severity="warning", timeout=10)
        can = [one for one in reversed(deeds) if one.undo is not None]
        if can:
            self._app.notify(f"Undo: {in_words(can)}")
        try:
            for one in can:
                assert one.undo is not None
                self.undoing = one
                one.undo()
        finally:
            self.undoing = None

    def keep(self, deed: Deed | None) -> None:
        """Taking it back has failed, or the person has thought better of it: it still can be."""
        if deed is not None:
            self.deeds.put_back(deed)
            self.jobs.changed()

    def close(self) -> None:
        """Begin nothing more; what runs runs on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tell(self, title: str, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._app.notify(f"Stopped: {title}; nothing was changed")
        else:
            tell(self._app, error)
