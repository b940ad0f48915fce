"""Claims: each due wakeup goes to one worker, in the right order, and a late result changes nothing."""

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hive_tui.domain.wakeups import PRIORITY, Action, Attempt, NewWakeup, Outcome, Trigger, Wakeup, WakeupStatus
from hive_tui.store import agents, claims, wakeups
from hive_tui.store.claims import LEASE
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated
from tests.store.builders import ask, claim
from tests.store.memory import in_memory

FORK = multiprocessing.get_context("fork")
SECOND = timedelta(seconds=1)


def ids(found: list[Wakeup]) -> list[str]:
    return [wakeup.id for wakeup in found]


def complete(database: Database, claimed: Wakeup, *, now: datetime = NOON) -> bool:
    return database.write(claims.complete, claimed, now=now, verdict="wake: due", result={"generation": 0})


def fail(database: Database, claimed: Wakeup, *, next_at: datetime | None = None, now: datetime = NOON) -> bool:
    return database.write(claims.fail, claimed, now=now, error="no pane", next_at=next_at)


def defer(database: Database, claimed: Wakeup) -> bool:
    return database.write(claims.defer, claimed, now=NOON, until=NOON + SECOND, verdict="defer: busy", reason="busy")


def recover(database: Database, now: datetime, *, only_expired: bool, next_at: datetime | None = NOON) -> list[Wakeup]:
    return database.write(claims.recover_orphans, now=now, next_at=lambda _: next_at, only_expired=only_expired)


def test_a_claim_has_a_lease_a_token_and_begins_an_attempt(database: Database, ada: object):
    pending = ask(database, "w-1").wakeup
    now = NOON + SECOND
    (claimed,) = claim(database, now=now)
    assert claimed == structs.replace(
        pending,
        status=WakeupStatus.PROCESSING,
        attempts=1,
        claim_token=1,
        lease_until=now + LEASE,
        started_at=now,
    )
    assert database.read(wakeups.get, "w-1") == claimed
    assert database.read(wakeups.attempts_of, "w-1") == [Attempt("w-1", 1, now)]
    assert claim(database, now=now) == []


@pytest.mark.parametrize(("early_by", "found"), [(0, ["w-1"]), (1e-6, [])], ids=["due", "a microsecond early"])
def test_a_wakeup_is_claimed_when_it_is_due_and_not_before(
    database: Database, ada: object, early_by: float, found: list[str]
):
    ask(database, "w-1", in_s=5)
    assert ids(claim(database, now=NOON + timedelta(seconds=5 - early_by))) == found


def test_the_most_urgent_goes_first_then_the_earliest_then_the_first_asked_for(database: Database):
    order = [("file", 40, -50), ("late", 80, 0), ("early", 80, -5), ("early too", 80, -5), ("tomorrow", 100, 86400)]
    for name, priority, in_s in order:
        agent = name.replace(" ", "-")
        database.write(agents.add, an_agent(agent), now=NOON)
        ask(database, name, agent, priority=priority, in_s=in_s)
    assert ids(claim(database, limit=3)) == ["early", "early too", "late"]
    assert ids(claim(database, limit=3)) == ["file"]


def test_an_agent_has_one_wakeup_running_at_a_time(database: Database, ada: object, bob: object):
    for number in range(3):
        ask(database, f"nap {number}", action=Action.NAP)
    ask(database, "of bob", "bob", in_s=-1, priority=0)
    first, other = claim(database)
    assert ids([first, other]) == ["nap 0", "of bob"]
    complete(database, first)
    assert ids(claim(database)) == ["nap 1"]


def test_a_named_wakeup_is_claimed_if_it_is_pending_and_due(database: Database, ada: object, bob: object):
    ask(database, "now")
    ask(database, "later", "bob", in_s=1)

    def claim_one(wakeup_id: str) -> Wakeup | None:
        return database.write(claims.claim_one, wakeup_id, by="me", now=NOON)

    claimed = claim_one("now")
    assert claimed is not None
    assert (claimed.id, claimed.attempts, claimed.lease_until) == ("now", 1, NOON + LEASE)
    assert [claim_one(wakeup_id) for wakeup_id in ("now", "later", "unknown")] == [None, None, None]


def test_a_finished_attempt_leaves_its_result(database: Database, ada: object):
    ask(database, "w-1")
    (claimed,) = claim(database)
    assert complete(database, claimed, now=NOON + SECOND)
    done = database.read(wakeups.get, "w-1")
    assert (done.status, done.finished_at, done.result) == (WakeupStatus.COMPLETED, NOON + SECOND, {"generation": 0})
    assert (done.lease_until, done.last_error, done.is_finished) == (None, None, True)


def test_a_failed_attempt_goes_back_until_its_time(database: Database, ada: object):
    ask(database, "w-1")
    (claimed,) = claim(database)
    again = NOON + timedelta(minutes=2)
    assert fail(database, claimed, next_at=again)
    failed = database.read(wakeups.get, "w-1")
    assert (failed.status, failed.scheduled_for, failed.attempts) == (WakeupStatus.PENDING, again, 1)
    assert (failed.last_error, failed.lease_until, failed.finished_at) == ("no pane", None, None)
    assert claim(database, now=again - SECOND) == []
    (second,) = claim(database, now=again)
    assert (second.attempts, second.claim_token, second.started_at) == (2, 2, NOON)
    assert complete(database, second, now=again)
    assert database.read(wakeups.get, "w-1").last_error is None


def test_the_last_failed_attempt_ends_the_wakeup(database: Database, ada: object):
    ask(database, "w-1")
    (claimed,) = claim(database)
    assert fail(database, claimed, next_at=None)
    failed = database.read(wakeups.get, "w-1")
    assert (failed.status, failed.scheduled_for, failed.finished_at) == (WakeupStatus.FAILED, NOON, NOON)
    assert claim(database, now=NOON + timedelta(days=1)) == []


def test_a_deferred_wakeup_comes_again_without_an_attempt_counted(database: Database, ada: object):
    ask(database, "w-1")
    (claimed,) = claim(database)
    assert defer(database, claimed)
    deferred = database.read(wakeups.get, "w-1")
    assert (deferred.status, deferred.attempts, deferred.scheduled_for) == (WakeupStatus.PENDING, 0, NOON + SECOND)
    assert deferred.last_error == "busy"
    put_off = Attempt("w-1", 1, NOON, NOON, Outcome.DEFERRED, "defer: busy", None, NOON + SECOND)
    assert database.read(wakeups.attempts_of, "w-1") == [put_off]
    (again,) = claim(database, now=NOON + SECOND)
    assert (again.attempts, again.claim_token) == (1, 2)
    assert complete(database, again)
    assert [one.outcome for one in database.read(wakeups.attempts_of, "w-1")] == [Outcome.DEFERRED, Outcome.SUCCEEDED]


def test_deferrals_for_one_reason_are_one_from_the_first_to_the_last(database: Database, ada: object):
    ask(database, "w-1")
    for second in range(3):
        (claimed,) = claim(database, now=NOON + 10 * second * SECOND)
        now = NOON + (10 * second + 5) * SECOND
        verdict = "defer: busy" if second else "defer: paused"
        database.write(claims.defer, claimed, now=now, until=now, verdict=verdict, reason="busy")
    assert database.read(wakeups.attempts_of, "w-1") == [
        Attempt("w-1", 1, NOON, NOON + 5 * SECOND, Outcome.DEFERRED, "defer: paused", None, NOON + 5 * SECOND),
        Attempt("w-1", 2, NOON + 10 * SECOND, NOON + 25 * SECOND, Outcome.DEFERRED, "defer: busy", None,
                NOON + 25 * SECOND),
    ]  # fmt: skip


def pending_wakes(database: Database) -> list[Wakeup]:
    return [one for one in database.read(wakeups.recent) if one.status is WakeupStatus.PENDING]


@pytest.mark.parametrize("how", ["failed", "deferred", "interrupted"])
@pytest.mark.parametrize(("trigger", "due"), [(Trigger.MANUAL, NOON), (Trigger.FILE, NOON + 60 * SECOND)])
def test_a_wake_that_comes_back_takes_the_one_in_that_was_asked_for_meanwhile(
    database: Database, ada: object, how: str, trigger: Trigger, due: datetime
):
    ask(database, "w-1", trigger=Trigger.GOAL, context={"message": "first", "a": 1})
    (claimed,) = claim(database)
    ask(database, "w-2", trigger=trigger, context={"message": "second"})
    later = NOON + 60 * SECOND
    if how == "failed":
        assert fail(database, claimed, next_at=later)
    elif how == "interrupted":
        recover(database, NOON, only_expired=False, next_at=later)
    else:
        assert database.write(claims.defer, claimed, now=NOON, until=later, verdict="v", reason="r")
    (kept,) = pending_wakes(database)
    assert (kept.id, kept.scheduled_for) == ("w-1", due)
    assert kept.context == {"a": 1, "messages": ["first", "second"]}
    assert kept.priority == max(PRIORITY[Trigger.GOAL], PRIORITY[trigger])
    gone = database.read(wakeups.get, "w-2")
    assert (gone.status, gone.last_error) == (WakeupStatus.CANCELLED, "became one with the wake w-1")
    assert database.read(wakeups.standing_for, "w-2") == kept


def test_a_failed_wake_that_is_tried_again_takes_the_waiting_one_in(database: Database, ada: object):
    ask(database, "w-1", context={"message": "first"})
    (claimed,) = claim(database)
    fail(database, claimed, next_at=None)
    ask(database, "w-2", in_s=3600, context={"message": "second"})
    assert database.write(wakeups.retry_now, "w-1", now=NOON)
    (kept,) = pending_wakes(database)
    assert (kept.id, kept.scheduled_for) == ("w-1", NOON)
    assert kept.context == {"messages": ["first", "second"]}


def test_a_nap_that_comes_back_leaves_the_wakes_alone(database: Database, ada: object):
    ask(database, "w-1", action=Action.NAP)
    (claimed,) = claim(database)
    ask(database, "w-2")
    fail(database, claimed, next_at=NOON)
    assert sorted(ids(pending_wakes(database))) == ["w-1", "w-2"]


LATE: dict[str, Callable[[Database, Wakeup], bool]] = {"complete": complete, "fail": fail, "defer": defer}


@pytest.mark.parametrize("finish", LATE.values(), ids=LATE)
@pytest.mark.parametrize("meanwhile", ["claimed again", "back in the queue", "done by another"])
def test_a_worker_that_slept_through_its_lease_changes_nothing(
    database: Database, ada: object, finish: Callable[[Database, Wakeup], bool], meanwhile: str
):
    ask(database, "w-1")
    (late,) = claim(database)
    expired = NOON + LEASE
    recover(database, expired, only_expired=True, next_at=expired)
    if meanwhile != "back in the queue":
        (taken_over,) = claim(database, now=expired)
        if meanwhile == "done by another":
            complete(database, taken_over)
    before = database.read(wakeups.get, "w-1"), database.read(wakeups.attempts_of, "w-1")
    assert not finish(database, late)
    assert (database.read(wakeups.get, "w-1"), database.read(wakeups.attempts_of, "w-1")) == before


def test_a_lease_that_is_renewed_does_not_expire(database: Database, ada: object):
    ask(database, "w-1")
    (claimed,) = claim(database)
    later = NOON + LEASE - SECOND
    database.write(claims.renew, [claimed], now=later)
    assert recover(database, NOON + LEASE, only_expired=True) == []
    assert ids(recover(database, later + LEASE, only_expired=True)) == ["w-1"]


def test_only_the_holder_of_the_newest_token_renews(database: Database, ada: object):
    ask(database, "w-1")
    (old,) = claim(database)
    recover(database, NOON + LEASE, only_expired=True)
    (new,) = claim(database, now=NOON + LEASE)
    database.write(claims.renew, [old], now=NOON + timedelta(days=1))
    assert database.read(wakeups.get, "w-1").lease_until == new.lease_until


@pytest.mark.parametrize(
    ("only_expired", "after", "found"),
    [(True, LEASE - SECOND / 1_000_000, []), (True, LEASE, ["w-1"]), (False, SECOND, ["w-1"])],
    ids=["lease runs", "lease over", "all of a dead heartbeat"],
)
def test_the_claims_of_a_worker_that_died_come_back(
    database: Database, ada: object, only_expired: bool, after: timedelta, found: list[str]
):
    ask(database, "w-1")
    claim(database)
    now = NOON + after
    recovered = recover(database, now, only_expired=only_expired, next_at=now + SECOND)
    assert ids(recovered) == found
    if found:
        assert recovered == [database.read(wakeups.get, "w-1")]
        assert (recovered[0].status, recovered[0].scheduled_for) == (WakeupStatus.PENDING, now + SECOND)
        (attempt,) = database.read(wakeups.attempts_of, "w-1")
        assert (attempt.outcome, attempt.finished_at, attempt.next_at) == (Outcome.INTERRUPTED, now, now + SECOND)
        assert "interrupted" in str(attempt.error)


def test_an_interrupted_last_attempt_fails_the_wakeup(database: Database, ada: object):
    ask(database, "w-1")
    claim(database)
    (recovered,) = recover(database, NOON, only_expired=False, next_at=None)
    assert recovered.status is WakeupStatus.FAILED
    assert recover(database, NOON, only_expired=False) == []


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    database = Database(migrated(path), FakeClock())
    try:
        yield database
    finally:
        database.close()


def claim_all(path: Path, together: Barrier, said: "Queue[list[str]]", one_by_one: bool) -> None:
    """Claim until nothing is left, in a process of its own."""
    with opened(path) as database:
        together.wait()
        mine: list[str] = []
        while found := claim(database, limit=1 if one_by_one else 3):
            mine += [wakeup.id for wakeup in found]
        said.put(mine)


def claim_named(path: Path, together: Barrier, said: "Queue[list[str]]", wakeup_ids: list[str]) -> None:
    with opened(path) as database:
        together.wait()
        found = [database.write(claims.claim_one, wakeup_id, by="me", now=NOON) for wakeup_id in wakeup_ids]
        said.put([wakeup.id for wakeup in found if wakeup is not None])


def in_processes(count: int, work: Callable[..., None], path: Path, argument: Any) -> list[list[str]]:
    together, said = FORK.Barrier(count), FORK.Queue()
    processes = [FORK.Process(target=work, args=(path, together, said, argument)) for _ in range(count)]
    for process in processes:
        process.start()
    claimed = [said.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return claimed


@pytest.mark.parametrize("work", ["one by one", "by threes", "by name"])
def test_processes_that_claim_at_once_never_get_the_same_wakeup(path: Path, work: str):
    expected = [f"w-{number:02}" for number in range(60)]
    with opened(path) as database:
        for number, wakeup_id in enumerate(expected):
            database.write(agents.add, an_agent(f"agent-{number}"), now=NOON)
            ask(database, wakeup_id, f"agent-{number}")
    if work == "by name":
        claimed = in_processes(3, claim_named, path, expected)
    else:
        claimed = in_processes(3, claim_all, path, work == "one by one")
    assert sorted(wakeup_id for mine in claimed for wakeup_id in mine) == expected
    with opened(path) as database:
        found = database.read(wakeups.recent)
    assert {(wakeup.attempts, wakeup.claim_token, wakeup.status) for wakeup in found} == {
        (1, 1, WakeupStatus.PROCESSING)
    }


@pytest.mark.parametrize("turn", range(5))
def test_one_wakeup_goes_to_one_of_the_processes_that_race_for_it(path: Path, turn: int):
    with opened(path) as database:
        database.write(agents.add, an_agent("ada"), now=NOON)
        ask(database, "w-1")
    assert sorted(in_processes(4, claim_all, path, True)) == [[], [], [], ["w-1"]]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "carl", "dora"]),
        st.sampled_from([0, 49, 50, 51, 100]),
        st.integers(-3, 3),
        st.sampled_from(["pending", "pending", "pending", "processing", "completed", "cancelled"]),
    ),
    max_size=14,
)
Row = tuple[str, int, int, str]


def plain_order(rows: list[Row], limit: int) -> list[str]:
    """What a claim takes, said simply."""
    busy = {agent for agent, _, _, status in rows if status == "processing"}
    found: list[str] = []
    waiting = [
        (-priority, in_s, seq, agent)
        for seq, (agent, priority, in_s, status) in enumerate(rows)
        if status == "pending" and in_s <= 0
    ]
    for _, _, seq, agent in sorted(waiting):
        if agent not in busy and len(found) < limit:
            busy.add(agent)
            found.append(f"w-{seq}")
    return found


def put_in(db: sqlite3.Connection, rows: list[Row]) -> None:
    for seq, (agent, priority, in_s, status) in enumerate(rows):
        at = NOON + timedelta(seconds=in_s)
        new = NewWakeup(f"id-of-{agent}", Trigger.GOAL, at, Action.NAP, priority)
        wakeups.enqueue(db, new, f"w-{seq}", now=NOON)
        db.execute("UPDATE wakeup_requests SET status = ? WHERE id = ?", (status, f"w-{seq}"))


@given(rows=ROWS, limit=st.integers(0, 5))
def test_the_claim_takes_what_the_plain_order_would(rows: list[Row], limit: int):
    db = in_memory("ada", "bob", "carl", "dora")
    put_in(db, rows)
    assert ids(claims.claim_due(db, by="me", now=NOON, limit=limit)) == plain_order(rows, limit)
    db.close()


def test_a_claim_reads_indexes_and_never_the_whole_queue():
    db = in_memory()
    plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {claims.PICK}", {"now": 0})]
    on_requests = [step for step in plan if "wakeup_requests" in step]
    assert "SEARCH wakeup_requests USING INDEX ix_wakeups_claim (priority=? AND scheduled_for<?)" in on_requests
    scanned = {step for step in on_requests if not step.startswith("SEARCH")}
    assert scanned == {"SCAN wakeup_requests USING INDEX ix_wakeups_lease"}, "it holds only those that run"
    assert not any("TEMP B-TREE" in step for step in plan), plan
    db.close()
