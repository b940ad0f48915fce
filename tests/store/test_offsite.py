"""Copies in a second place, as the database knows them."""

from dataclasses import replace
from datetime import timedelta

from hive_tui.domain.agents import Agent
from hive_tui.domain.offsite import CopyState, OffsiteCopy, wait_before
from hive_tui.store import offsite
from hive_tui.store.database import Database
from tests.builders import NOON
from tests.store.builders import a_checkpoint, enter

PENDING = OffsiteCopy("c-1", "/mnt", "shop/1", CopyState.PENDING, next_try_at=NOON)


def put(database: Database, copy: OffsiteCopy) -> None:
    database.write(offsite.put, copy, now=NOON)


def test_a_copy_comes_back_as_it_was_put(database: Database):
    full = replace(
        PENDING, state=CopyState.VERIFIED, sha256="00", size_bytes=3, is_encrypted=True, attempts=2, error="no",
        verified_at=NOON,
    )  # fmt: skip
    put(database, PENDING)
    put(database, full)
    assert database.read(offsite.get, "c-1") == full and database.read(offsite.by_checkpoint) == {"c-1": full}
    assert database.read(offsite.get, "c-2") is None


def test_what_failed_least_is_due_first_and_the_newest_of_those(database: Database, ada: Agent):
    for number in (1, 2, 3):
        enter(database, a_checkpoint(f"c-{number}", created_at=NOON + timedelta(hours=number)))
        put(database, replace(PENDING, checkpoint_id=f"c-{number}", attempts=int(number == 3)))
    order = []
    while (due := database.read(offsite.due, "/mnt", now=NOON)) is not None:
        order.append(due.checkpoint_id)
        put(database, replace(due, next_try_at=None))
    assert order == ["c-2", "c-1", "c-3"]


def test_nothing_is_due_before_its_time_nor_at_another_destination(database: Database):
    put(database, replace(PENDING, next_try_at=NOON + timedelta(seconds=1)))
    assert database.read(offsite.due, "/mnt", now=NOON) is None
    later = NOON + timedelta(seconds=1)
    assert database.read(offsite.due, "/other", now=later) is None
    assert database.read(offsite.due, "/mnt", now=later) is not None


def test_good_checkpoints_that_are_here_and_not_there_are_missing(database: Database, ada: Agent):
    enter(database, a_checkpoint("c-1"))
    enter(database, a_checkpoint("c-2"))
    enter(database, a_checkpoint("damaged", is_valid=False))
    enter(database, a_checkpoint("thinned", is_local=False))
    put(database, PENDING)
    assert database.read(offsite.missing, "/mnt") == ["c-2"]
    assert sorted(database.read(offsite.missing, "/other")) == ["c-1", "c-2"]


def test_what_was_sent_is_removed_there_and_what_was_not_is_forgotten(database: Database):
    put(database, PENDING)
    put(database, replace(PENDING, checkpoint_id="c-2", sha256="00", state=CopyState.VERIFIED, next_try_at=None))
    for checkpoint_id in ("c-1", "c-2", "c-3"):
        database.write(offsite.let_go, checkpoint_id, now=NOON)
    left = database.read(offsite.by_checkpoint)
    assert {one.checkpoint_id: (one.state, one.next_try_at) for one in left.values()} == {
        "c-2": (CopyState.REMOVING, NOON)
    }


def test_waits_double_up_to_six_hours():
    waits = [wait_before(attempt).total_seconds() for attempt in range(1, 14)]
    assert waits[:4] == [30, 60, 120, 240] and waits[-1] == 6 * 3600 and waits == sorted(waits)
