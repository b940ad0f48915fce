"""What other programs commit is noticed, and what this process commits keeps nobody busy."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import length_hint
from pathlib import Path

import pytest

from hive_tui.adapters.changes import DatabaseWatch
from hive_tui.adapters.clock import SystemClock
from hive_tui.services.foreign_writes import ForeignWrites
from hive_tui.store import settings
from hive_tui.store.database import Database
from tests.builders import NOON
from tests.migrated import home_with_database
from tests.stage import eventually


class Watching:
    """A database that is watched, and a connection of a foreign program to it."""

    def __init__(self, home: Path) -> None:
        self.database = Database(home_with_database(home) / "hive.db", SystemClock())
        self.looks = self.told = 0
        self._pool = ThreadPoolExecutor(1)
        self._writes = ForeignWrites(self.database, DatabaseWatch(self.database.path), self._look, self._written)
        self._foreign = sqlite3.connect(self.database.path, isolation_level=None)
        self._foreign.execute("PRAGMA cache_size = 1")
        self._writes.start()

    def write(self) -> None:
        self.database.write(settings.put, "own", self.looks, now=NOON)

    def foreign(self, *statements: str) -> None:
        for one in statements:
            self._foreign.execute(one)

    async def seen(self, condition: Callable[[], bool], what: str) -> None:
        await asyncio.to_thread(eventually, condition, what)

    def has_told(self, times: int) -> bool:
        return self.told >= times

    @property
    def is_done(self) -> bool:
        """Whether no further look is made for what was noticed."""
        return length_hint(self._writes._pauses) == 0

    def stop(self) -> None:
        self._writes.stop()
        self._pool.shutdown()
        self._foreign.close()
        self.database.close()

    def _look(self, look: Callable[[], None]) -> None:
        self.looks += 1
        self._pool.submit(look)

    def _written(self) -> None:
        self.told += 1


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[Watching]:
    made = Watching(tmp_path / "home")
    made.foreign("CREATE TABLE notes (text TEXT)")
    await made.seen(lambda: made.told == 1, "the watch has begun")
    yield made
    made.stop()


async def test_own_commits_are_looked_behind_a_few_times_and_told_to_nobody(watching: Watching):
    before = watching.looks
    await asyncio.to_thread(watching.write)
    await watching.seen(lambda: watching.looks > before and watching.is_done, "it was looked for others")
    assert (watching.told, watching.looks - before < 9) == (1, True)
    watching.foreign("INSERT INTO notes VALUES ('after it')")
    await watching.seen(lambda: watching.told == 2, "a foreign commit afterwards")


async def test_a_foreign_commit_right_after_an_own_one_is_noticed(watching: Watching):
    for number in range(20):
        watching.write()
        watching.foreign("INSERT INTO notes VALUES ('beside')")
        await watching.seen(partial(watching.has_told, number + 2), f"foreign commit {number}")


async def test_a_transaction_that_reaches_the_log_long_before_its_commit_is_noticed_once_it_counts(watching: Watching):
    spilled = "INSERT INTO notes SELECT hex(randomblob(2000)) FROM (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9))"
    before = watching.looks
    watching.foreign("BEGIN IMMEDIATE", spilled, spilled, spilled)
    await watching.seen(lambda: watching.looks - before >= 4, "the log is written to")
    assert watching.told == 1
    watching.foreign("COMMIT")
    await watching.seen(lambda: watching.told == 2, "it counts now")
