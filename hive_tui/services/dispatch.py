"""Runs claimed wakeups and writes down how each attempt ended."""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from msgspec import structs

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.breaker import BreakerPolicy
from hive_tui.domain.errors import ErrorClass, HiveError, class_of
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.gate import AWAKE, BUDGET, HELD, UNATTENDED, Decision, Verdict, by_hand
from hive_tui.domain.ports import Clock
from hive_tui.domain.retry import RetryPolicy, next_attempt_at
from hive_tui.domain.wakeups import Action, Outcome, Wakeup, WakeupStatus
from hive_tui.services.hub import Hub
from hive_tui.services.messages import Undelivered
from hive_tui.services.nap import Napper
from hive_tui.services.scheduled_naps import ScheduledNaps
from hive_tui.services.wake import BUSY, Waker, WakeResult, why_not_woken
from hive_tui.store import agents as agent_store
from hive_tui.store import claims, journal, wake_states, wakeups
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
        breaker: BreakerPolicy,
        random: Random,
    ) -> None:
        self._database = database
        self._waker = waker
        self._clock = clock
        self._hub = hub
        self._policy = policy
        self._breaker = breaker
        self._random = random
        self._naps = ScheduledNaps(database, napper, clock, hub, self._next_at)

    def claim_due(self, *, by: str, limit: int, is_asked: bool = False) -> list[Wakeup]:
        """Take up to `limit` due wakeups; each must be given to `run`.

        Args:
            by: Who claims.
            limit: So many at most.
            is_asked: Most likely something is due. Else that is read first, so that nobody else waits for nothing.
        """
        now = self._clock.now()
        if limit <= 0:
            return []
        due_at = now if is_asked else self._database.read(wakeups.next_due_at)
        if due_at is None or due_at > now:
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
            self._fail(claimed, agent.name, error, verdicts)
        except Exception as error:
            # A bug of ours: it is seen by the caller, and the wakeup need not wait until its lease runs out.
            mistake = HiveError(f"hive-tui made a mistake: {type(error).__name__}: {error}")
            self._fail(claimed, agent.name, mistake, verdicts)
            raise
        else:
            self._succeed(claimed, result)

    def sweep_leases(self, running: Collection[Wakeup]) -> None:
        """Extend the leases of wakeups that run in this process, and end the attempts of workers that died."""
        if running:
            self._database.write(claims.renew, list(running), now=self._clock.now())
        self.recover_orphans(only_expired=True, but=frozenset(one.id for one in running))

    def recover_orphans(self, *, only_expired: bool, but: Collection[str] = ()) -> list[Wakeup]:
        """End attempts whose worker died: tried again at once the first time, then after the backoff.

        Args:
            only_expired: Spare those whose lease still runs.
            but: Wakeups that are known to run; the clock may step between two looks at it, and expire any lease.
        """

        def next_at(orphan: Wakeup) -> datetime | None:
            if orphan.attempts >= orphan.max_attempts:
                return None
            return self._clock.now() if orphan.attempts == 1 else self._next_at(orphan)

        orphans = self._database.write(
            _recover, next_at, self._breaker, now=self._clock.now(), only_expired=only_expired, but=but
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
            until = result.verdict.until or now + (DEFER_MESSAGE if result.verdict.rule == BUSY else DEFER)
            told = self._database.write(_defer, claimed, result, now=now, until=until)
            if told is not None:
                self._hub.publish(told)
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

    def _fail(self, claimed: Wakeup, name: str, error: HiveError, verdicts: list[Verdict]) -> None:
        """Back to the queue with a backoff, or failed for good."""
        kind = class_of(error)
        is_last = claimed.attempts >= claimed.max_attempts or not kind.is_retried
        next_at = None if is_last else self._next_at(claimed)
        is_question = bool(verdicts) and verdicts[-1].decision is Decision.ASK
        if is_question and not claimed.is_by_person_alone:
            next_at = verdicts[-1].until or self._clock.now() + DEFER
        said = f"{why_not_woken(name, error.what)} {error.hint}".strip()
        failure = _Failure(
            said,
            kind,
            str(verdicts[-1]) if verdicts else None,
            next_at,
            asks=error.what if getattr(error, "confirmable", False) else "",
            agent_runs=isinstance(error, Undelivered),
            is_question=is_question,
        )
        event = _told(claimed, name, failure)
        if self._database.write(_fail, claimed, failure, event, self._breaker, now=self._clock.now()):
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


@dataclass(frozen=True, slots=True)
class _Failure:
    """How an attempt failed."""

    said: str
    kind: ErrorClass
    verdict: str | None
    next_at: datetime | None
    asks: str
    """What a plain yes of a person would set aside; empty where that is not enough."""
    agent_runs: bool
    """It came up, and only what was to be said to it is in doubt."""
    is_question: bool
    """Nothing was tried: the person who asked for it has to say yes first."""


def _told(claimed: Wakeup, name: str, failure: _Failure) -> Event:
    if failure.agent_runs:
        kind, text = EventKind.WAKEUP_FAILED, failure.said
    elif failure.next_at is None:
        kind, text = EventKind.WAKEUP_FAILED, f"{name} was not woken, and is not tried again: {failure.said}"
    else:
        kind, text = EventKind.WAKEUP_RETRY, f"{name} was not woken (attempt {claimed.attempts}): {failure.said}"
    next_at = failure.next_at.isoformat() if failure.next_at else None
    payload = {"wakeup_id": claimed.id, "next_at": next_at, "error_class": failure.kind, "asks": failure.asks}
    return Event(kind, text, claimed.agent_id, HEARTBEAT, Severity.FAILURE, payload)


def _recover(
    db: sqlite3.Connection,
    next_at: Callable[[Wakeup], datetime | None],
    policy: BreakerPolicy,
    *,
    now: datetime,
    only_expired: bool,
    but: Collection[str],
) -> list[Wakeup]:
    orphans = claims.recover_orphans(db, now=now, next_at=next_at, only_expired=only_expired, but=but)
    for orphan in orphans:
        if orphan.action is Action.WAKE:
            wake_states.failed(db, orphan.agent_id, policy, now=now)
    return orphans


def _defer(
    db: sqlite3.Connection, claimed: Wakeup, result: WakeResult, *, now: datetime, until: datetime
) -> Event | None:
    """Put it off; what a person has to know of that, if there is anything."""
    if result.resumed:  # only its message waits
        wake_states.succeeded(db, claimed.agent_id, now=now)
    verdict = result.verdict
    done = claims.defer(db, claimed, now=now, until=until, verdict=str(verdict), reason=verdict.reason)
    if done and verdict.rule in (HELD, BUDGET) and verdict.reason != claimed.last_error:
        # Not each time that it is looked at again.
        event = _put_off(claimed, result)
        journal.log(db, event, now=now)
        return event
    if not done or verdict.rule != UNATTENDED:
        return None
    limit = claimed.idempotency_key or claimed.id
    # It may be put off again and again, and asked for anew: of one limit a person is told once.
    if journal.was_logged(db, claimed.agent_id, EventKind.WAKEUP_HELD_BACK, "limit", limit):
        return None
    event = _held_back(claimed, result, limit, until)
    journal.log(db, event, now=now)
    return event


def _put_off(claimed: Wakeup, result: WakeResult) -> Event:
    text = f"The wake of {result.agent.name} is put off: {result.verdict.reason}"
    payload = {"wakeup_id": claimed.id, "verdict": str(result.verdict)}
    return Event(EventKind.WAKEUP_DEFERRED, text, claimed.agent_id, HEARTBEAT, payload=payload)


def _held_back(claimed: Wakeup, result: WakeResult, limit: str, until: datetime) -> Event:
    name = result.agent.name
    text = f"{name} was not woken: {result.verdict.reason}; {by_hand(name)}"
    payload = {"wakeup_id": claimed.id, "limit": limit, "next_at": until.isoformat()}
    return Event(EventKind.WAKEUP_HELD_BACK, text, claimed.agent_id, HEARTBEAT, Severity.WARNING, payload)


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
    if done and (result.resumed or result.verdict.rule == AWAKE):
        wake_states.succeeded(db, claimed.agent_id, now=now if result.resumed else None)
    return done


def _fail(
    db: sqlite3.Connection,
    claimed: Wakeup,
    failure: _Failure,
    event: Event,
    policy: BreakerPolicy,
    *,
    now: datetime,
) -> bool:
    if failure.is_question and failure.next_at is not None:
        claims.hand_back(db, claimed)
    needs = {"needs_person": failure.kind is ErrorClass.NEEDS_PERSON, "confirmable": bool(failure.asks)}
    done = claims.fail(
        db,
        claimed,
        now=now,
        error=failure.said,
        verdict=failure.verdict,
        next_at=failure.next_at,
        result=needs,
        error_class=failure.kind,
    )
    if not done:
        return False
    journal.log(db, event, now=now)
    if failure.is_question:
        return True
    if not failure.agent_runs:
        wake_states.failed(db, claimed.agent_id, policy, now=now)
    agent = agent_store.get(db, claimed.agent_id)
    if failure.next_at is None and agent.lifecycle is Lifecycle.ASLEEP:
        agent_store.put(db, structs.replace(agent, lifecycle=Lifecycle.FAILED, reason=failure.said, since_at=now))
    return True
