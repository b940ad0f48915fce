"""What may be removed of the queue, and what somebody still needs."""

from datetime import timedelta

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.domain.wakeups import Action
from hive_tui.store import claims, purge, stats, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON
from tests.store.builders import ask, claim

LATER = NOON + timedelta(days=40)


def remove(database: Database, *, before: timedelta = timedelta(0), limit: int = 100) -> int:
    return database.write(purge.remove_batch, LATER - before, now=LATER, limit=limit)


def test_what_is_unfinished_is_never_removed_and_attempts_go_with_their_wakeup(database: Database, ada: Agent):
    ask(database, "done")
    (claimed,) = claim(database)
    database.write(claims.complete, claimed, now=NOON, verdict="wake", result={})
    ask(database, "running")
    claim(database)
    ask(database, "pending", in_s=-(10**7))
    assert database.read(purge.count_old, LATER, now=LATER) == 1
    assert remove(database) == 1
    assert {one.id for one in database.read(wakeups.recent)} == {"running", "pending"}
    assert database.read(wakeups.attempts_of, "done") == []
    assert database.read(stats.by_status)["completed"] == 0


def test_a_nap_is_kept_as_long_as_the_end_of_its_window_may_ask_for_it(database: Database, ada: Agent):
    ask(database, "nap", action=Action.NAP)
    database.write(wakeups.cancel, "nap", now=NOON)
    soon = NOON + timedelta(days=7)
    assert database.read(purge.count_old, soon, now=soon) == 0
    assert remove(database) == 1


@pytest.mark.parametrize(("days", "removed"), [(39, 1), (41, 0)])
def test_a_key_keeps_its_wakeup_until_its_window_is_over(database: Database, ada: Agent, days: int, removed: int):
    ask(database, "w-1", idempotency_key="k", key_window=timedelta(days=days))
    database.write(wakeups.cancel, "w-1", now=NOON)
    assert remove(database) == removed


def test_no_more_is_removed_at_once_than_was_said_and_the_oldest_go_first(database: Database, ada: Agent):
    for number in range(5):
        ask(database, f"w-{number}")
        database.write(wakeups.cancel, f"w-{number}", now=NOON + timedelta(days=number))
    assert [remove(database, before=timedelta(days=37), limit=2) for _ in range(3)] == [2, 1, 0]
    assert {one.id for one in database.read(wakeups.recent)} == {"w-3", "w-4"}
