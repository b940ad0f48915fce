"""What was read is read again only once somebody has written."""

import sqlite3
import threading

import pytest

from hive_tui.store import settings
from hive_tui.store.database import Database
from hive_tui.store.remembered import Remembered
from tests.builders import NOON
from tests.clocks import FakeClock


class Reading:
    """Asks whether all is paused, and counts how often that is read."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        self._remembered = Remembered(database)

    def __call__(self, name: str = settings.PAUSED) -> object:
        return self._remembered.read(self.read, name)

    def read(self, db: sqlite3.Connection, name: str) -> object:
        self.count += 1
        return settings.get(db, name, False)


@pytest.fixture
def reading(database: Database) -> Reading:
    return Reading(database)


def test_it_is_read_once_as_long_as_nobody_writes(reading: Reading):
    assert [reading() for _ in range(5)] == [False] * 5
    assert reading.count == 1


def test_what_this_process_writes_is_seen_at_once(reading: Reading, database: Database):
    assert reading() is False
    database.write(settings.put, settings.PAUSED, True, now=NOON)
    assert reading() is True
    assert reading() is True
    assert reading.count == 2


def test_what_another_process_writes_is_seen_at_once(reading: Reading, database: Database):
    assert reading() is False
    other = Database(database.path, FakeClock())
    other.write(settings.put, settings.PAUSED, True, now=NOON)
    other.close()
    assert reading() is True


def test_what_is_committed_while_it_is_read_has_it_read_once_more(database: Database):
    remembered, seen = Remembered(database), []

    def slow(db: sqlite3.Connection) -> object:
        seen.append(settings.get(db, settings.PAUSED, False))
        if len(seen) == 1:
            database.write(settings.put, settings.PAUSED, True, now=NOON)
        return seen[-1]

    assert remembered.read(slow) is False
    assert remembered.read(slow) is True


def test_another_question_has_another_answer(reading: Reading):
    assert reading(settings.PAUSED) is False
    reading("another")
    assert reading.count == 2
    reading("another")
    assert reading.count == 2


def test_each_thread_remembers_its_own(reading: Reading):
    reading()
    told: list[object] = []
    thread = threading.Thread(target=lambda: told.extend(reading() for _ in range(2)))
    thread.start()
    thread.join()
    assert told == [False, False]
    assert reading.count == 2


def test_what_could_not_be_read_is_tried_again(database: Database):
    remembered = Remembered(database)
    tries = 0

    def fails_first(db: sqlite3.Connection) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("not now")
        return "read"

    with pytest.raises(ValueError, match="not now"):
        remembered.read(fails_first)
    assert remembered.read(fails_first) == "read"
