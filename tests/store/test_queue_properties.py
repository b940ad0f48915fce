"""Whatever is done to the queue in whatever order, it is what the model of it says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hive_tui.domain.wakeups import Action, NewWakeup, Outcome, Trigger, Wakeup
from hive_tui.store import claims, stats, wakeups
from tests.builders import NOON
from tests.store.memory import in_memory
from tests.store.queue_model import QueueModel, Row

AGENTS = ("ada", "bob")
BY_INDEX = st.integers(0, 50)
SECONDS = st.sampled_from([0, 1, 30, 60, 300])


class QueueMachine(RuleBasedStateMachine):
    """The same steps on both."""

    def __init__(self) -> None:
        super().__init__()
        self.db = in_memory(*AGENTS)
        self.model = QueueModel()
        self.now: datetime = NOON
        self.made: list[Wakeup] = []
        """All claims that were ever made, also those that are over."""
        self.asked = 0

    def teardown(self) -> None:
        self.db.close()

    def one(self, at: int, *statuses: str) -> Row | None:
        rows = [row for row in self.model.rows if not statuses or row.status in statuses]
        return rows[at % len(rows)] if rows else None

    @rule(
        agent=st.sampled_from(AGENTS),
        trigger=st.sampled_from(Trigger),
        key=st.sampled_from([None, None, "k", "l"]),
        window=st.sampled_from([None, 20, 200]),
        in_s=SECONDS,
        priority=st.sampled_from([None, 0, 45, 100]),
        payload=st.sampled_from([None, "a", "b"]),
        action=st.sampled_from([Action.WAKE, Action.WAKE, Action.WAKE, Action.NAP]),
    )
    def enqueue(
        self, agent: str, trigger: Trigger, key: str | None, window: int | None, in_s: int, priority: int | None,
        payload: str | None, action: Action,
    ) -> None:  # fmt: skip
        self.asked += 1
        new = NewWakeup(
            f"id-of-{agent}",
            trigger,
            self.now + timedelta(seconds=in_s),
            action,
            priority,
            key,
            timedelta(seconds=window) if key and window else None,
            context={payload: self.asked} if payload else {},
        )
        found = wakeups.enqueue(self.db, new, f"wakeup-{self.asked}", now=self.now)
        expected = self.model.enqueue(new, f"wakeup-{self.asked}", self.now)
        assert (found.wakeup.id, found.is_new) == expected

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        claimed = claims.claim_due(self.db, by="worker", now=self.now, limit=limit)
        assert [one.id for one in claimed] == self.model.claim(self.now, limit)
        self.made += claimed

    @precondition(lambda self: self.made)
    @rule(at=BY_INDEX, how=st.sampled_from(["complete", "fail", "give up", "defer"]), in_s=SECONDS)
    def end(self, at: int, how: str, in_s: int) -> None:
        """By a claim of now, or by one that was lost long ago: that changes nothing."""
        claimed = self.made[at % len(self.made)]
        later = self.now + timedelta(seconds=in_s)
        row = self.model.get(claimed.id)
        newest = max(one.claim_token for one in self.made if one.id == claimed.id)
        is_held = row.status == "processing" and claimed.claim_token == newest
        facts: dict[str, Any] = {"now": self.now}
        if how == "complete":
            done = claims.complete(self.db, claimed, verdict="wake", result={}, **facts)
        elif how == "defer":
            done = claims.defer(self.db, claimed, until=later, verdict=f"defer: {at}", reason="r", **facts)
        else:
            done = claims.fail(self.db, claimed, error="e", next_at=later if how == "fail" else None, **facts)
        assert done is is_held
        if is_held and how == "complete":
            self.model.complete(row)
        elif is_held and how == "defer":
            self.model.defer(row, later)
        elif is_held:
            self.model.fail(row, later if how == "fail" else None)

    @rule(at=BY_INDEX, retries=st.booleans())
    def expire(self, at: int, retries: bool) -> None:
        """The lease sweep."""
        next_at = self.now + timedelta(seconds=at) if retries else None
        expired = self.model.expired(self.now)
        found = claims.recover_orphans(self.db, now=self.now, next_at=lambda _: next_at, only_expired=True)
        assert {one.id for one in found} == {row.id for row in expired}
        for one in found:
            self.model.fail(self.model.get(one.id), next_at)

    @precondition(lambda self: self.model.rows)
    @rule(at=BY_INDEX)
    def cancel(self, at: int) -> None:
        row = self.one(at)
        assert row is not None
        assert wakeups.cancel(self.db, row.id, now=self.now) is (row.status == "pending")
        if row.status == "pending":
            row.status = "cancelled"

    @precondition(lambda self: self.model.rows)
    @rule(at=BY_INDEX)
    def retry(self, at: int) -> None:
        row = self.one(at, "failed") or self.one(at)
        assert row is not None
        key = wakeups.get(self.db, row.id).idempotency_key
        assert wakeups.retry_now(self.db, row.id, now=self.now) is self.model.retry(row, self.now, key)

    @precondition(lambda self: self.model.rows)
    @rule(at=BY_INDEX, in_s=SECONDS, priority=st.integers(0, 100))
    def change(self, at: int, in_s: int, priority: int) -> None:
        row = self.one(at)
        assert row is not None
        until, is_pending = self.now + timedelta(seconds=in_s), row.status == "pending"
        assert wakeups.postpone(self.db, row.id, until) is is_pending
        assert wakeups.set_priority(self.db, row.id, priority) is is_pending
        if is_pending:
            row.due, row.priority = until, priority

    @rule(seconds=st.sampled_from([1, 30, 61, 300, -3600]))
    def time_passes(self, seconds: int) -> None:
        """Or the clock is set back."""
        self.now += timedelta(seconds=seconds)

    @invariant()
    def both_are_the_same(self) -> None:
        stored = self.db.execute("SELECT id FROM wakeup_requests ORDER BY seq").fetchall()
        found = [_shown(wakeups.get(self.db, row["id"])) for row in stored]
        assert found == [row.shown() for row in self.model.rows]

    @invariant()
    def every_attempt_is_accounted_for(self) -> None:
        for row in self.model.rows:
            made = wakeups.attempts_of(self.db, row.id)
            assert sum(one.outcome is not Outcome.DEFERRED for one in made) == row.attempts
            assert sum(one.finished_at is None for one in made) == (row.status == "processing")

    @invariant()
    def the_counters_are_right(self) -> None:
        counted = {status: count for status, count in stats.by_status(self.db).items() if count}
        statuses = [row.status for row in self.model.rows]
        assert counted == {status: statuses.count(status) for status in set(statuses)}


def _shown(one: Wakeup) -> tuple[object, ...]:
    return (
        one.id, one.agent_id, str(one.action), str(one.trigger), set(one.also), one.priority, str(one.status),
        one.scheduled_for, one.attempts, one.max_attempts, one.context, one.lease_until,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(10, 20), pytest.param(300, 50, marks=[pytest.mark.faults, pytest.mark.timeout(900)])],
    ids=["few", "many"],
)
def test_the_queue_is_what_its_model_says(examples: int, steps: int):
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    run_state_machine_as_test(QueueMachine, settings=chosen)
