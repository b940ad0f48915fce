"""The wakeup queue: what a request makes of it, and how it is looked up and changed."""

import itertools
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import ErrorClass, NotFound
from hive_tui.domain.wakeups import (
    PRIORITY,
    RESETS,
    Action,
    Attempt,
    NewWakeup,
    Outcome,
    Trigger,
    Wakeup,
    WakeupStatus,
)
from hive_tui.store import claims, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON
from tests.store.builders import ask, claim
from tests.store.memory import in_memory


@pytest.fixture(autouse=True)
def registry(request: pytest.FixtureRequest) -> None:
    """Both agents are there, except where a property makes its own database many times."""
    if "database" in request.fixturenames:
        request.getfixturevalue("ada")
        request.getfixturevalue("bob")


def end(database: Database, status: WakeupStatus, wakeup_id: str = "w-1") -> None:
    """Bring the only due wakeup into that status."""
    if status is WakeupStatus.CANCELLED:
        database.write(wakeups.cancel, wakeup_id, now=NOON)
    elif status is not WakeupStatus.PENDING:
        (claimed,) = claim(database)
        if status is WakeupStatus.COMPLETED:
            database.write(claims.complete, claimed, now=NOON, verdict="wake", result={"generation": 0})
        elif status is WakeupStatus.FAILED:
            database.write(claims.fail, claimed, now=NOON, error="no", next_at=None)
    assert database.read(wakeups.get, wakeup_id).status is status


def ids(found: list[Wakeup]) -> list[str]:
    return [wakeup.id for wakeup in found]


def test_a_request_comes_back_as_a_pending_wakeup(database: Database, ada: Agent):
    new = NewWakeup(
        ada.id,
        Trigger.WEBHOOK,
        NOON + timedelta(hours=1),
        Action.WAKE,
        priority=0,
        idempotency_key="k",
        max_attempts=2,
        context={"message": "geh’ weiter", "goals": [{"id": 1}], "file": "caf\udce9"},
    )
    enqueued = database.write(wakeups.enqueue, new, "w-1", now=NOON)
    wakeup = enqueued.wakeup
    assert (enqueued.is_new, enqueued.note) == (True, "")
    assert (wakeup.id, wakeup.agent_id, wakeup.action, wakeup.trigger) == ("w-1", ada.id, Action.WAKE, Trigger.WEBHOOK)
    assert (wakeup.priority, wakeup.status, wakeup.scheduled_for) == (
        0,
        WakeupStatus.PENDING,
        NOON + timedelta(hours=1),
    )
    assert (wakeup.attempts, wakeup.max_attempts, wakeup.idempotency_key) == (0, 2, "k")
    assert (wakeup.context, wakeup.created_at, wakeup.claim_token) == (new.context, NOON, 0)
    assert {wakeup.lease_until, wakeup.started_at, wakeup.finished_at} == {None}
    assert (wakeup.last_error, wakeup.result) == (None, None)
    assert database.read(wakeups.get, "w-1") == wakeup


def test_a_request_of_another_zone_comes_back_in_utc(database: Database):
    at = (NOON + timedelta(days=1)).astimezone(timezone(timedelta(hours=1)))
    found = database.write(wakeups.enqueue, NewWakeup("id-of-ada", Trigger.GOAL, at), "w-1", now=NOON).wakeup
    assert found == database.read(wakeups.get, "w-1")
    assert found.scheduled_for.utcoffset() == timedelta(0)


def test_a_request_a_claim_and_an_end_write_few_pages(database: Database):
    database.checkpoint_wal(own=True)
    log = database.path.with_name(f"{database.path.name}-wal")
    sizes = [log.stat().st_size]
    ask(database, "w-1")
    sizes.append(log.stat().st_size)
    (claimed,) = claim(database)
    sizes.append(log.stat().st_size)
    database.write(claims.complete, claimed, now=NOON, verdict="wake", result={})
    sizes.append(log.stat().st_size)
    pages = [(after - before) // 4_120 for before, after in itertools.pairwise(sizes)]
    assert pages == [5, 6, 7], "each index that a change touches is one more page of its commit"


@pytest.mark.parametrize("trigger", Trigger)
def test_a_request_has_the_priority_of_its_trigger(database: Database, trigger: Trigger):
    assert ask(database, "w-1", trigger=trigger).wakeup.priority == PRIORITY[trigger]


@pytest.mark.parametrize("priority", [-1, 101])
def test_a_priority_out_of_range_is_refused(database: Database, priority: int):
    with pytest.raises(Exception, match="CHECK constraint"):
        ask(database, "w-1", priority=priority)
    assert database.read(wakeups.depth) == 0


@pytest.mark.parametrize("status", [WakeupStatus.PENDING, WakeupStatus.PROCESSING])
@pytest.mark.parametrize("action", [Action.WAKE, Action.NAP])
def test_a_key_makes_no_second_row_while_the_first_is_unfinished(
    database: Database, status: WakeupStatus, action: Action
):
    ask(database, "w-1", action=action, idempotency_key="k", context={"a": 1})
    end(database, status)
    again = ask(database, "w-2", "bob", action=action, idempotency_key="k", context={"b": 2}, priority=99)
    assert (again.is_new, again.wakeup) == (False, database.read(wakeups.get, "w-1"))
    assert "key is already under way" in again.note
    assert again.wakeup.context == {"a": 1}
    assert database.read(wakeups.depth) == 1


@pytest.mark.parametrize("status", [WakeupStatus.COMPLETED, WakeupStatus.FAILED, WakeupStatus.CANCELLED])
def test_a_key_is_free_again_after_its_wakeup_has_ended(database: Database, status: WakeupStatus):
    ask(database, "w-1", idempotency_key="k")
    end(database, status)
    assert ask(database, "w-2", idempotency_key="k").is_new


def test_requests_without_a_key_never_count_as_the_same(database: Database):
    assert ask(database, "w-1", "ada", action=Action.NAP).is_new
    assert ask(database, "w-2", "ada", action=Action.NAP).is_new


def test_a_second_wake_of_an_agent_is_merged_into_the_pending_one(database: Database):
    ask(database, "w-1", in_s=60, trigger=Trigger.FILE, context={"a": 1, "b": 1})
    merged = ask(database, "w-2", in_s=30, trigger=Trigger.GOAL, context={"b": 2, "c": 2})
    assert not merged.is_new
    assert "already has a wake pending" in merged.note
    assert merged.wakeup.id == "w-1"
    assert merged.wakeup.priority == PRIORITY[Trigger.GOAL]
    assert merged.wakeup.context == {"a": 1, "b": 2, "c": 2}
    assert merged.wakeup.scheduled_for == NOON + timedelta(seconds=30)
    assert merged.wakeup.trigger is Trigger.FILE, "what asked first stands, unless a person asks"
    assert database.read(wakeups.depth) == 1


def test_merging_never_lowers_the_priority_nor_moves_the_time_later(database: Database):
    ask(database, "w-1", in_s=30, trigger=Trigger.GOAL)
    merged = ask(database, "w-2", in_s=60, trigger=Trigger.FILE).wakeup
    assert (merged.priority, merged.scheduled_for) == (PRIORITY[Trigger.GOAL], NOON + timedelta(seconds=30))


@pytest.mark.parametrize(("trigger", "moves"), [(Trigger.WEBHOOK, False), (Trigger.MANUAL, True)])
def test_after_a_failed_attempt_only_a_person_gets_around_the_backoff(
    database: Database, trigger: Trigger, moves: bool
):
    ask(database, "w-1")
    (claimed,) = claim(database)
    backoff = NOON + timedelta(minutes=10)
    database.write(claims.fail, claimed, now=NOON, error="no", next_at=backoff)
    merged = ask(database, "w-2", trigger=trigger).wakeup
    assert merged.scheduled_for == (NOON if moves else backoff)
    assert merged.is_by_person == moves
    assert merged.attempts == 1


@pytest.mark.parametrize(
    ("first", "second", "agent"),
    [(Action.WAKE, Action.NAP, "ada"), (Action.NAP, Action.WAKE, "ada"), (Action.WAKE, Action.WAKE, "bob")],
    ids=["a nap after a wake", "a wake after a nap", "a wake of another agent"],
)
def test_only_wakes_of_the_same_agent_are_merged(database: Database, first: Action, second: Action, agent: str):
    ask(database, "w-1", action=first)
    assert ask(database, "w-2", agent, action=second).is_new


@pytest.mark.parametrize("status", [status for status in WakeupStatus if status is not WakeupStatus.PENDING])
def test_a_wake_that_runs_or_has_ended_takes_no_more_in(database: Database, status: WakeupStatus):
    ask(database, "w-1")
    end(database, status)
    assert ask(database, "w-2").is_new


def test_a_wakeup_of_nobody_is_refused(database: Database):
    with pytest.raises(Exception, match="FOREIGN KEY"):
        ask(database, "w-1", "nobody")


@pytest.mark.parametrize(("asked", "found"), [("abcdef-1", "abcdef-1"), ("fedcba", "fedcba-2")])
def test_an_id_may_be_shortened(database: Database, asked: str, found: str):
    ask(database, "abcdef-1")
    ask(database, "fedcba-2", "bob")
    assert database.read(wakeups.get, asked).id == found


@pytest.mark.parametrize("asked", ["abcde", "", "%%%%%%", "abcdef"])
def test_an_id_that_is_too_short_or_fits_two_or_none_is_refused(database: Database, asked: str):
    ask(database, "abcdef-1")
    ask(database, "abcdef-2", "bob")
    with pytest.raises(NotFound, match="Several wakeups begin with" if asked == "abcdef" else "There is no wakeup"):
        database.read(wakeups.get, asked)


CAN_CANCEL = {WakeupStatus.PENDING}
CAN_RETRY = {WakeupStatus.PENDING, WakeupStatus.FAILED}


@pytest.mark.parametrize("status", WakeupStatus)
def test_only_a_pending_wakeup_is_cancelled(database: Database, status: WakeupStatus):
    ask(database, "w-1")
    end(database, status)
    before = database.read(wakeups.get, "w-1")
    later = NOON + timedelta(seconds=1)
    assert database.write(wakeups.cancel, "w-1", now=later) is (status in CAN_CANCEL)
    after = database.read(wakeups.get, "w-1")
    if status in CAN_CANCEL:
        assert (after.status, after.finished_at, after.is_finished) == (WakeupStatus.CANCELLED, later, True)
        assert claim(database) == []
    else:
        assert after == before


@pytest.mark.parametrize("status", WakeupStatus)
def test_only_a_pending_or_failed_wakeup_is_tried_again_at_once(database: Database, status: WakeupStatus):
    ask(database, "w-1", max_attempts=3)
    end(database, status)
    before = database.read(wakeups.get, "w-1")
    later = NOON + timedelta(seconds=1)
    assert database.write(wakeups.retry_now, "w-1", now=later) is (status in CAN_RETRY)
    after = database.read(wakeups.get, "w-1")
    if status in CAN_RETRY:
        assert (after.status, after.scheduled_for, after.finished_at) == (WakeupStatus.PENDING, later, None)
        assert after.max_attempts == (1 + 5 if status is WakeupStatus.FAILED else 3)
        assert ids(claim(database, now=later)) == ["w-1"]
    else:
        assert after == before


def test_a_failed_wakeup_whose_key_another_one_has_now_is_not_tried_again(database: Database):
    ask(database, "w-1", idempotency_key="k")
    end(database, WakeupStatus.FAILED)
    ask(database, "w-2", idempotency_key="k")
    assert not database.write(wakeups.retry_now, "w-1", now=NOON)
    assert database.write(wakeups.retry_now, "w-2", now=NOON)
    database.write(wakeups.cancel, "w-2", now=NOON)
    assert database.write(wakeups.retry_now, "w-1", now=NOON)


def test_a_key_that_went_to_another_wakeup_comes_back_with_a_retry(database: Database):
    ask(database, "w-1", idempotency_key="k")
    end(database, WakeupStatus.FAILED)
    ask(database, "w-2", "bob", idempotency_key="k")
    database.write(wakeups.cancel, "w-2", now=NOON)
    assert database.write(wakeups.retry_now, "w-1", now=NOON)
    again = ask(database, "w-3", "bob", idempotency_key="k")
    assert (again.wakeup.id, again.is_new) == ("w-1", False)


@pytest.mark.parametrize("status", WakeupStatus)
def test_only_a_pending_wakeup_is_postponed(database: Database, status: WakeupStatus):
    ask(database, "w-1")
    end(database, status)
    until = NOON + timedelta(hours=1)
    assert database.write(wakeups.postpone, "w-1", until) is (status is WakeupStatus.PENDING)
    assert (database.read(wakeups.get, "w-1").scheduled_for == until) is (status is WakeupStatus.PENDING)


def test_the_queue_is_listed_by_whose_turn_it_is_and_what_ended_comes_last(database: Database):
    ask(database, "ended first", "bob")
    end(database, WakeupStatus.CANCELLED, "ended first")
    ask(database, "running")
    claim(database)
    for wakeup_id, priority, in_s in [("low", 10, 0), ("late", 50, 60), ("soon", 50, 30), ("soon too", 50, 30)]:
        ask(database, wakeup_id, "bob", action=Action.NAP, priority=priority, in_s=in_s)
    ask(database, "ended last", "bob", action=Action.NAP)
    database.write(wakeups.cancel, "ended last", now=NOON + timedelta(seconds=1))
    expected = ["running", "soon", "soon too", "late", "low", "ended last", "ended first"]
    assert ids(database.read(wakeups.recent)) == expected
    assert ids(database.read(wakeups.recent, limit=2)) == expected[:2]


def test_the_unfinished_wakes_of_an_agent_and_the_next_times_are_found(database: Database, ada: Agent, bob: Agent):
    ask(database, "running")
    claim(database)
    ask(database, "waiting", in_s=60)
    ask(database, "a nap", action=Action.NAP, in_s=-60)
    ask(database, "of bob", "bob", in_s=30)
    assert ids(database.read(wakeups.unfinished_wakes, ada.id)) == ["running", "waiting"]
    assert database.read(wakeups.next_wake_times) == {ada.id: NOON, bob.id: NOON + timedelta(seconds=30)}
    assert database.read(wakeups.next_due_at) == NOON - timedelta(seconds=60)
    assert database.read(wakeups.depth) == 4


def test_an_empty_queue_has_nothing_due(database: Database):
    assert database.read(wakeups.next_due_at) is None
    assert database.read(wakeups.next_wake_times) == {}
    assert database.read(wakeups.recent) == []
    assert database.read(wakeups.depth) == 0


def test_the_attempts_of_a_wakeup_are_kept_first_to_last(database: Database):
    ask(database, "w-1")
    (claimed,) = claim(database)
    again = NOON + timedelta(minutes=2)
    database.write(claims.fail, claimed, now=NOON, error="no pane", next_at=again, verdict="wake: due")
    (claimed,) = claim(database, now=again)
    assert database.read(wakeups.attempts_of, "w-1")[-1] == Attempt("w-1", 2, again)
    database.write(claims.complete, claimed, now=again, verdict="wake: due", result={})
    assert database.read(wakeups.attempts_of, "w-1") == [
        Attempt("w-1", 1, NOON, NOON, Outcome.FAILED, "wake: due", "no pane", again, ErrorClass.TRANSIENT),
        Attempt("w-1", 2, again, again, Outcome.SUCCEEDED, "wake: due", None, None),
    ]
    assert database.read(wakeups.attempts_of, "w-2") == []


REQUESTS = st.lists(
    st.tuples(st.sampled_from(["ada", "bob"]), st.integers(-60, 60), st.sampled_from(Trigger), st.sampled_from("xyz")),
    max_size=12,
)


def soonest(requests: list[tuple[str, int, Trigger, str]]) -> int:
    """When the one wake of these requests is due: the earliest, but a reset moves no timer that a person has set."""
    due, is_by_person = requests[0][1], False
    for _, in_s, trigger, _ in requests:
        if not (is_by_person and trigger in RESETS):
            due = min(due, in_s)
        is_by_person = is_by_person or trigger is Trigger.MANUAL
    return due


@given(requests=REQUESTS)
def test_however_many_requests_come_an_agent_has_one_pending_wake(requests: list[tuple[str, int, Trigger, str]]):
    db = in_memory("ada", "bob")
    for number, (agent, in_s, trigger, key) in enumerate(requests):
        new = NewWakeup(
            f"id-of-{agent}",
            trigger,
            NOON + timedelta(seconds=in_s),
            context={key: number},
            idempotency_key=agent + key,
        )
        wakeups.enqueue(db, new, f"w-{number}", now=NOON)
    for agent in ("ada", "bob"):
        mine = [request for request in requests if request[0] == agent]
        pending = wakeups.unfinished_wakes(db, f"id-of-{agent}")
        assert len(pending) == bool(mine)
        for wakeup in pending:
            keys = [request[3] for request in mine]
            counted = [request for at, request in enumerate(mine) if request[3] not in keys[:at]]
            assert wakeup.scheduled_for == NOON + timedelta(seconds=soonest(counted))
            assert wakeup.priority == max(PRIORITY[request[2]] for request in counted)
    db.close()
