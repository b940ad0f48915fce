"""The queue under kill -9, poison and many workers: nothing is lost, and nothing happens twice."""

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.errors import StoreError
from hive_tui.domain.wakeups import NewWakeup, Outcome, Trigger, Wakeup, WakeupStatus, messages_of
from hive_tui.store import agents, claims, wakeups
from hive_tui.store.database import Database
from hive_tui.store.values import to_us
from tests.builders import NOON, an_agent
from tests.migrated import migrated
from tests.stage import ROOT

CLOCK = SystemClock()
FORK = multiprocessing.get_context("fork")
KILLS = 200
T = TypeVar("T")
RECOVERED_S = 2.0
"""Seconds of processor time: a machine with other work to do must not fail this."""


def worker(home: Path, asks: int = 0, fatal: int = 0) -> tuple[int, list[list[str]]]:
    """Run it to its end; its exit status and what it said."""
    command = [sys.executable, "-m", "tests.services.queue_worker", str(home), str(asks), str(fatal)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, [line.split() for line in done.stdout.splitlines()]


def said(lines: list[list[str]], what: str) -> list[str]:
    return [line[1] for line in lines if line[0] == what]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(migrated(tmp_path / "hive.db"), CLOCK)
    made.write(_add_agents, 7)
    return made


def _add_agents(db: sqlite3.Connection, count: int) -> None:
    for number in range(count):
        if number >= len(agents.names(db)):
            agents.add(db, an_agent(f"agent-{number}"), now=NOON)


def everything(database: Database) -> list[Wakeup]:
    return database.read(wakeups.recent, limit=1_000_000)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_killed_at_random_points_the_queue_loses_nothing_and_does_nothing_twice(database: Database):
    random, asked, done, kills, slowest = Random(5), Counter[str](), Counter[str](), 0, 0.0
    while kills < KILLS:
        status, lines = worker(database.path.parent, asks=12, fatal=random.randint(1, 150))
        kills += status == -signal.SIGKILL
        asked.update(said(lines, "asked"))
        done.update(said(lines, "done"))
        slowest = max([slowest, *map(float, said(lines, "ready"))])
        if kills % 20 == 0:
            assert database.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"
    status, lines = worker(database.path.parent)
    assert status == 0
    done.update(said(lines, "done"))
    found = everything(database)
    kept = Counter(
        message for one in found if one.status is not WakeupStatus.CANCELLED for message in messages_of(one.context)
    )
    assert {message: kept[message] for message in asked if kept[message] != 1} == {}, "each is there, and once"
    assert [one for one in done.values() if one != 1] == [], "nothing was completed twice"
    assert {one.status for one in found} <= {WakeupStatus.COMPLETED, WakeupStatus.FAILED, WakeupStatus.CANCELLED}
    assert set(done) <= {one.id for one in found if one.status is WakeupStatus.COMPLETED}
    for one in found:
        made = database.read(wakeups.attempts_of, one.id)
        assert len(made) == one.attempts and all(attempt.outcome for attempt in made)
        succeeded = sum(attempt.outcome is Outcome.SUCCEEDED for attempt in made)
        assert succeeded == (one.status is WakeupStatus.COMPLETED)
    assert database.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"
    assert slowest < RECOVERED_S


@pytest.mark.faults
def test_a_wakeup_that_kills_whoever_works_on_it_ends_as_failed_after_its_attempts(database: Database):
    new = NewWakeup("id-of-agent-0", Trigger.GOAL, CLOCK.now(), context={"poison": True}, max_attempts=5)
    poison = database.write(wakeups.enqueue, new, "poison", now=CLOCK.now()).wakeup
    killed = 0
    for _ in range(20):  # a run that finds only its backoff ends well, and kills nobody
        killed += worker(database.path.parent)[0] == -signal.SIGKILL
        if database.read(wakeups.get, poison.id).is_finished:
            break
    assert killed == 5
    failed = database.read(wakeups.get, poison.id)
    assert (failed.status, failed.attempts) == (WakeupStatus.FAILED, 5)
    outcomes = [attempt.outcome for attempt in database.read(wakeups.attempts_of, poison.id)]
    assert outcomes == [Outcome.INTERRUPTED] * 5
    assert worker(database.path.parent, asks=3)[0] == 0, "the queue goes on without it"
    assert sum(one.status is WakeupStatus.COMPLETED for one in everything(database)) == 3


ROWS, AGENTS = 20_000, 400


def _fill(db: sqlite3.Connection) -> None:
    now = to_us(NOON)
    db.executemany(
        'INSERT INTO wakeup_requests (id, agent_id, action, "trigger", priority, scheduled_for, created_at)'
        " VALUES (?, ?, 'nap', 'schedule', ?, ?, ?)",
        ((f"w-{at}", f"id-of-agent-{at % AGENTS}", at % 101, now + at, now) for at in range(ROWS)),
    )


def claim_and_complete(path: Path, together: Barrier, told: "Queue[list[str]]") -> None:
    """Work off the queue, in a process of its own; the ids that were completed."""
    database, mine = Database(path, CLOCK), list[str]()
    database._thawed_writer().execute("PRAGMA synchronous = OFF")  # this is about processes, and not about the disk
    together.wait()
    idle = 0
    while idle < 50:
        found = patiently(lambda: database.write(claims.claim_due, by="worker", now=CLOCK.now(), limit=20))
        idle = 0 if found else idle + 1
        assert patiently(partial(database.write, _complete_all, found))
        mine += [one.id for one in found]
    told.put(mine)


def patiently(work: Callable[[], T]) -> T:
    """Again while the others do not let it in, as a heartbeat does in its next round."""
    while True:
        with suppress(StoreError):
            return work()


def _complete_all(db: sqlite3.Connection, found: list[Wakeup]) -> bool:
    return all(claims.complete(db, one, now=CLOCK.now(), verdict="nap", result={}) for one in found)


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("processes", [2, 4])
def test_processes_work_off_twenty_thousand_rows_without_one_double(database: Database, processes: int):
    database.write(_add_agents, AGENTS)
    database.write(_fill)
    path = database.path
    database.close()
    together, told = FORK.Barrier(processes), FORK.Queue()
    workers = [FORK.Process(target=claim_and_complete, args=(path, together, told)) for _ in range(processes)]
    for one in workers:
        one.start()
    completed = Counter(wakeup_id for _ in workers for wakeup_id in told.get(timeout=1100))
    for one in workers:
        one.join()
    assert len(completed) == ROWS and set(completed.values()) == {1}
    again = Database(path, CLOCK)
    assert again.integrity_errors() == []
    assert {one.attempts for one in again.read(wakeups.ended, ROWS)} == {1}
    again.close()
