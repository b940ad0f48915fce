"""When a heartbeat sleeps until something happens, rather than glance now and then: where nothing runs at all."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hive_tui.adapters.clock_watch import ClockWatch
from hive_tui.adapters.path_watch import PathWatch
from hive_tui.domain.ports import Clock
from hive_tui.services.glance import Glance
from hive_tui.store import rest
from hive_tui.store.database import Database

QUIET_GLANCES = 3
"""So many in a row before it rests: a server that has just made its socket cannot be met yet."""
DEAF_GLANCES = 60
"""So many more where the system tells of no changes."""
OPEN_WITHIN = timedelta(seconds=60)


class Rest:
    """For the thread of one event loop, but for `look_back` and `signed`.

    Args:
        glance: What is looked at now and then while it does not rest; None for nothing.
        clock_watch: Tells that the clock was set; None where a glance has to.
        stir: Has a glance taken at once.
    """

    def __init__(
        self,
        database: Database,
        glance: Glance | None,
        clock: Clock,
        clock_watch: ClockWatch | None,
        stir: Callable[[], None],
    ) -> None:
        self._database = database
        self._glance = glance
        self._clock = clock
        self._clock_watch = clock_watch
        self._stir = stir
        self._paths = PathWatch()
        self._quiet = 0
        self._own = self._foreign = -1
        self.has_moved = True
        """Whether the round that was over last, or anybody since the one before, has changed the database."""
        self.is_anything_open = True
        """Whether somebody had begun then what had not ended."""

    @property
    def hears_clock(self) -> bool:
        """Whether nobody has to look whether the clock was set."""
        return self._clock_watch is not None and self._clock_watch.is_watching

    @property
    def is_deep(self) -> bool:
        """Whether whatever happens is told."""
        return self._quiet > QUIET_GLANCES and self.hears_clock

    @property
    def is_complete(self) -> bool:
        """Whether nothing is open either, and nothing was missed."""
        if self.needs_glances or self.is_anything_open:
            return False
        return self._glance is None or self._glance.is_still()

    @property
    def needs_glances(self) -> bool:
        """Whether something has to be looked at now and then, besides the rounds."""
        return not (self.is_deep or (self._glance is None and self.hears_clock))

    def rounds_every_s(self, moving_s: float, open_s: float, still_s: float) -> float:
        """Seconds between two rounds where there is neither a server nor an agent: while something is written, while
        something is open, and else.
        """
        if not self.hears_clock:
            return open_s
        return moving_s if self.has_moved else open_s if self.is_anything_open else still_s

    def begin(self) -> None:
        """Listen to the clock."""
        if self._clock_watch is not None and self.hears_clock:
            asyncio.get_running_loop().add_reader(self._clock_watch.fileno(), self._on_clock)

    def end(self) -> None:
        """Listen to nothing any more."""
        self._paths.end()
        if self._clock_watch is not None and self.hears_clock:
            with suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._clock_watch.fileno())
            self._clock_watch.close()

    def glanced(self, *, is_quiet: bool) -> None:
        """A glance was taken: has anything moved since the one before, or can only a closer look tell?"""
        if not is_quiet or not self.hears_clock or self._glance is None:
            self.disturb()
            return
        self._quiet += 1
        # One more glance behind the begin of the watch finds what came before it.
        if self._quiet == QUIET_GLANCES and not self._paths.begin(self._glance.places, self._on_touch):
            self._quiet = -DEAF_GLANCES

    def disturb(self) -> None:
        """It rests no longer, until nothing has moved for a while."""
        self._quiet = min(0, self._quiet)
        self._paths.end()

    def written(self, *, by_others: bool) -> None:
        """The database was written to outside of a round."""
        if self.is_deep and (by_others or self._database.own_changes != self._own):
            self.disturb()
            self._stir()

    def look_back(self) -> None:
        """A round is nearly over: has it changed anything, and is anything open? Called before its sign of life.

        Raises:
            StoreError: The database cannot be read.
        """
        before = (self._own, self._foreign)
        self._own, self._foreign = self._database.own_changes, self._database.foreign_counter()
        self.has_moved = before != (self._own, self._foreign)
        until = self._clock.now() + OPEN_WITHIN
        self.is_anything_open = self._database.read(rest.is_anything_open, until=until)

    def signed(self, rows: int) -> None:
        """The sign of life was written, and has changed so many rows."""
        self._own += rows

    def _on_touch(self) -> None:
        self.disturb()
        self._stir()

    def _on_clock(self) -> None:
        watch = self._clock_watch
        if watch is not None and watch.drain():
            if not watch.is_watching:  # its descriptor was closed, and forgotten with that
                self.disturb()
            self._stir()
