"""Runs claimed wakeups and writes down how each attempt ended."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import HiveError, NeedsPerson
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.gate import Decision, Verdict
from hive_tui.domain.ports import Clock
from hive_tui.domain.retry import RetryPolicy, next_attempt_at
from hive_tui.domain.wakeups import Action, Outcome, Wakeup, WakeupStatus
from hive_tui.services.hub import Hub
from hive_tui.services.messages import Undelivered
from hive_tui.services.nap import Napper
from hive_tui.services.scheduled_naps import ScheduledNaps
from hive_tui.services.wake import BUSY, NOT_WOKEN, Waker, WakeResult
from hive_tui.store import agents as agent_store
from hive_tui.store import claims, journal, wakeups
from hive_tui.store.database import Database

DEFER = timedelta(minutes=1)
DEFER_MESSAGE = timedelta(seconds=5)
"""A message waits for a moment in which its agent is idle, which may not last."""
AT_ONCE = 5
"""So many wakeups run at the same time."""


class Dispatcher:
    """Claims due wakeups and runs them. The caller holds the heartbeat's lock."""

    def __init__(
        self,
        database: Database,
        waker: Waker,
        napper: Napper,
        clock: Clock,
        hub: Hub,
        policy: RetryPolicy,
        random: Random,
    ) -> None:
        self._database = database
        self._waker = waker
        self._clock = clock
        self._hub = hub
        self._policy = policy
        self._random = random
        self._naps = ScheduledNaps(database, napper, clock, hub, self._next_at)

    def claim_due(self, *, by: str, limit: int) -> list[Wakeup]:
        """Take up to `limit` due wakeups; each must be given to `run`."""
        now = self._clock.now()
        due_at = self._database.read(wakeups.next_due_at)
        if due_at is None or due_at > now or limit <= 0:
            return []
        return self._database.write(claims.claim_due, by=by, now=now, limit=limit)

    def claim_one(self, wakeup_id: str, *, by: str) -> Wakeup | None:
        """Take this wakeup, if it is pending and due."""
        return self._database.write(claims.claim_one, wakeup_id, by=by, now=self._clock.now())

    def run(self, claimed: Wakeup) -> None:
        """Make one attempt. Every expected failure is written down and not raised."""
        if claimed.action is Action.NAP:
            self._naps.run(claimed)
            return
        agent = self._database.read(agent_store.get, claimed.agent_id)
        self._hub.publish(
            Event(EventKind.WAKEUP_STARTED, f"Attempt {claimed.attempts} to wake {agent.name}", claimed.agent_id)
        )
        verdicts: list[Verdict] = []
        try:
            result = self._waker.wake(claimed, verdicts.append)
        except HiveError as error:
            self._fail(claimed, agent.name, error, verdicts, final=isinstance(error, NeedsPerson))
        else:
            self._succeed(claimed, result)

    def renew(self, claimed: list[Wakeup]) -> None:
        """Extend the leases of wakeups that are being run."""
        self._database.write(claims.renew, claimed, now=self._clock.now())

    def recover_orphans(self, *, only_expired: bool) -> list[Wakeup]:
        """End attempts whose worker died: tried again at once the first time, then after the backoff."""

        def next_at(orphan: Wakeup) -> datetime | None:
            if orphan.attempts >= orphan.max_attempts:
                return None
            return self._clock.now() if orphan.attempts == 1 else self._next_at(orphan)

        orphans = self._database.write(
            claims.recover_orphans, now=self._clock.now(), next_at=next_at, only_expired=only_expired
        )
        for orphan in orphans:
            event = _orphaned(orphan)
            self._database.write(journal.log, event, now=self._clock.now())
            self._hub.publish(event)
        return orphans

    def _succeed(self, claimed: Wakeup, result: WakeResult) -> None:
        now = self._clock.now()
        verdict = str(result.verdict)
        if result.verdict.decision is Decision.DEFER:
            until = now + (DEFER_MESSAGE if result.verdict.rule == BUSY else DEFER)
            reason = result.verdict.reason
            self._database.write(claims.defer, claimed, now=now, until=until, verdict=verdict, reason=reason)
            return
        outcome = Outcome.SUCCEEDED if result.resumed else Outcome.SKIPPED
        event = Event(
            EventKind.WAKEUP_COMPLETED,
            f"The wake of {result.agent.name} is done: {result.verdict.reason}",
            claimed.agent_id,
            HEARTBEAT,
            payload={"wakeup_id": claimed.id, **result.to_json()},
        )
        if self._database.write(_complete, claimed, now, verdict, result, outcome, event):
            self._hub.publish(event)

    def _fail(self, claimed: Wakeup, name: str, error: HiveError, verdicts: list[Verdict], *, final: bool) -> None:
        """Back to the queue with a backoff, or failed for good."""
        next_at = None if final or claimed.attempts >= claimed.max_attempts else self._next_at(claimed)
        said = f"{error.what.removeprefix(NOT_WOKEN.format(name))} {error.hint}".strip()
        if isinstance(error, Undelivered):
            kind, text = EventKind.WAKEUP_FAILED, said
        elif next_at is None:
            kind, text = EventKind.WAKEUP_FAILED, f"{name} was not woken, and is not tried again: {said}"
        else:
            kind, text = EventKind.WAKEUP_RETRY, f"{name} was not woken (attempt {claimed.attempts}): {said}"
        payload = {"wakeup_id": claimed.id, "next_at": next_at.isoformat() if next_at else None}
        event = Event(kind, text, claimed.agent_id, HEARTBEAT, Severity.FAILURE, payload)
        needs = {"needs_person": isinstance(error, NeedsPerson), "confirmable": getattr(error, "confirmable", False)}
        verdict = str(verdicts[-1]) if verdicts else None
        if self._database.write(_fail, claimed, said, verdict, next_at, needs, event, now=self._clock.now()):
            self._hub.publish(event)

    def _next_at(self, claimed: Wakeup) -> datetime | None:
        # A person's "retry now" of a failed wakeup grants more attempts; their backoff begins anew.
        granted = max(0, claimed.max_attempts - self._policy.max_attempts)
        attempt = max(1, claimed.attempts - granted)
        return next_attempt_at(self._clock.now(), attempt=attempt, policy=self._policy, random=self._random)


def _orphaned(orphan: Wakeup) -> Event:
    """What became of a wakeup whose worker died."""
    if orphan.status is WakeupStatus.FAILED:
        text = f"A {orphan.action} was interrupted too often, and is not tried again"
        return Event(EventKind.WAKEUP_FAILED, text, orphan.agent_id, HEARTBEAT, Severity.FAILURE)
    return Event(EventKind.WAKEUP_RETRY, f"An interrupted {orphan.action} goes back to the queue", orphan.agent_id)


def _complete(
    db: sqlite3.Connection,
    claimed: Wakeup,
    now: datetime,
    verdict: str,
    result: WakeResult,
    outcome: Outcome,
    event: Event,
) -> bool:
    done = claims.complete(db, claimed, now=now, verdict=verdict, result=result.to_json(), outcome=outcome)
    if done:
        journal.log(db, event, now=now)
    return done


def _fail(
    db: sqlite3.Connection,
    claimed: Wakeup,
    error: str,
    verdict: str | None,
    next_at: datetime | None,
    needs: Mapping[str, bool],
    event: Event,
    *,
    now: datetime,
) -> bool:
    done = claims.fail(db, claimed, now=now, error=error, verdict=verdict, next_at=next_at, result=needs)
    if not done:
        return False
    journal.log(db, event, now=now)
    agent = agent_store.get(db, claimed.agent_id)
    if next_at is None and agent.lifecycle is Lifecycle.ASLEEP:
        agent_store.put(db, replace(agent, lifecycle=Lifecycle.FAILED, reason=error, since_at=now))
    return True
