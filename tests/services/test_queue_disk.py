"""A disk that is full, and a database that stays locked: said in a sentence, and nothing acknowledged is lost."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from hive_tui.domain.errors import StoreError
from hive_tui.domain.events import Actor
from hive_tui.domain.wakeups import NewWakeup, Outcome, Trigger, Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from hive_tui.store import agents, claims, stats, wakeups
from tests.builders import NOON, an_ended_agent
from tests.clocks import FakeClock

ME = Actor.person("test")


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    made = Hive(tmp_path, Settings(), "hive-test-no-such-server", clock=FakeClock())
    for number in range(60):
        made.database.write(agents.add, an_ended_agent(f"agent-{number}"), now=NOON)
    yield made
    made.close()


def ask(hive: Hive, number: int) -> Wakeup:
    context = {"message": "x" * 3_000}
    return hive.queue.enqueue(NewWakeup(f"id-of-agent-{number}", Trigger.GOAL, NOON, context=context), ME).wakeup


def test_on_a_full_disk_the_queue_says_so_and_keeps_what_it_has_acknowledged(hive: Hive):
    writer = hive.database._thawed_writer()
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages + 20}")
    acknowledged: list[str] = []
    with pytest.raises(StoreError, match="full") as refused:
        for number in count():
            acknowledged.append(ask(hive, number).id)  # noqa: PERF401 (it ends in the middle)
    assert "hive-tui prune" in refused.value.hint
    assert 3 < len(acknowledged) < 60
    assert {one.id for one in hive.database.read(wakeups.recent)} == set(acknowledged)
    writer.execute("PRAGMA max_page_count = 1000000")
    assert ask(hive, 59).status is WakeupStatus.PENDING
    assert hive.database.read(stats.by_status) == {"pending": len(acknowledged) + 1}
    assert hive.database.integrity_errors() == []


def test_while_the_database_is_locked_nothing_is_lost_and_the_attempt_goes_on_afterwards(hive: Hive):
    asked = ask(hive, 0)
    (claimed,) = hive.dispatcher.claim_due(by="worker", limit=1)
    hive.database._thawed_writer().execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(hive.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for refused_work in (
            lambda: ask(hive, 1),
            lambda: hive.queue.cancel(asked, ME),
            lambda: hive.database.write(claims.complete, claimed, now=NOON, verdict="wake", result={}),
        ):
            with pytest.raises(StoreError, match="locked") as refused:
                refused_work()
            assert "Another program holds it" in refused.value.hint
        assert hive.database.read(wakeups.get, asked.id) == claimed, "it can still be read"
        other.execute("ROLLBACK")
    (orphan,) = hive.dispatcher.recover_orphans(only_expired=False)
    (again,) = hive.dispatcher.claim_due(by="worker", limit=1)
    assert (orphan.id, again.id, again.attempts) == (asked.id, asked.id, 2)
    assert not hive.database.write(claims.complete, claimed, now=NOON, verdict="wake", result={}), "a late result"
    assert hive.database.write(claims.complete, again, now=NOON, verdict="wake", result={})
    outcomes = [one.outcome for one in hive.database.read(wakeups.attempts_of, asked.id)]
    assert outcomes == [Outcome.INTERRUPTED, Outcome.SUCCEEDED]
