"""Counts what was done: drains what transactions have noted, each thing once, also after days off or a crash."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain import metrics as known
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.counting import (
    Gain,
    Seen,
    handles_of,
    of_checkpoint,
    of_consolidated,
    of_ended,
    of_nap,
    of_started,
    parts,
    spans,
)
from hive_tui.domain.figures import LOOKS
from hive_tui.domain.ports import Clock
from hive_tui.domain.usage import COUNTED
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, metrics
from hive_tui.store.database import Database
from hive_tui.store.journal import LoggedEvent, Wanted
from hive_tui.store.metrics import Addition, Entry, OpenWake
from hive_tui.store.values import from_json, from_us, to_us

BATCH = 200
PATIENCE_S = 0.25
"""No batch is begun after so many seconds: the heartbeat has other work. The next time goes on."""
KINDS = ("agent.sleeping", "agent.nap_refused", "checkpoint.taken")
EVENTS, COUNTED_AT, FORGOT_AT = "events", "counted", "forgot"
"""Marks: the last event that was counted; when was counted last; when old sums were removed last."""
RACE_US = 60_000_000
"""Another process that has counted so little later has only been faster; a later one means a clock set back."""
FORGET_EVERY = timedelta(hours=6)
TOO_OLD = timedelta(hours=24)
"""A wake that was counted so late is not judged: what was answered after it may have been read in part."""


class Counting:
    """A chore. Each batch is one transaction with how far it has come, so that nothing counts twice or never."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def count(self, *, patience_s: float = PATIENCE_S) -> None:
        """Count what is there to be counted.

        Raises:
            StoreError: The database cannot be used; what was not counted is counted the next time.
        """
        until = self._clock.monotonic() + patience_s
        while self._database.write(_drain_inbox, now=self._clock.now()) == BATCH and self._clock.monotonic() < until:
            pass
        while self._database.write(_drain_events) == BATCH and self._clock.monotonic() < until:
            pass
        self._database.write(_watch, now=self._clock.now())
        self._database.write(_judge, now=self._clock.now())


def _add(db: sqlite3.Connection, gains: Iterable[Gain], agent_id: str, at: datetime) -> None:
    metrics.add(
        db, [Addition(name, value, at, agent_id, labels) for gain in gains for name, labels, value in parts(gain)]
    )


def _drain_inbox(db: sqlite3.Connection, *, now: datetime) -> int:
    entries = metrics.take(db, limit=BATCH)
    for entry in entries:
        with suppress(ValueError, TypeError):  # a row that nobody understands is no reason to count nothing more
            _add(db, list(_gains(entry)), entry.agent_id, entry.at)
            if (
                entry.what == "ended"
                and entry.body.get("outcome") == "succeeded"
                and entry.body.get("action") == "wake"
            ):
                _remember(db, entry, now)
    return len(entries)


def _gains(entry: Entry) -> Iterator[Gain]:
    if entry.what == "started":
        yield from of_started(entry.body, to_us(entry.at))
    elif entry.what == "ended":
        yield from of_ended(entry.body)
    else:
        result: Any = from_json(entry.body.get("result") or "{}")
        yield from of_consolidated(entry.body, result if isinstance(result, dict) else {})


def _remember(db: sqlite3.Connection, entry: Entry, now: datetime) -> None:
    if now - entry.at < TOO_OLD:
        metrics.open_wake(db, str(entry.body["id"]), entry.agent_id, str(entry.body.get("source")), entry.at)


def _drain_events(db: sqlite3.Connection) -> int:
    """Those of a kind that counts. Events are never changed, and their numbers only grow."""
    seq, _ = metrics.mark(db, EVENTS) or (0, "")
    found, upto = journal.events_after(db, seq, wanted=Wanted(None, KINDS), limit=BATCH)
    for one in found:
        _add(db, list(_told(db, one)), one.event.agent_id or "", one.at)
        for gain in handles_of(one.event.payload) if one.event.kind == "agent.sleeping" else ():
            agent_id = (one.event.agent_id or "") if gain.metric.is_per_agent else ""
            labels = known.joined(*gain.labels)
            metrics.put_latest(db, Addition(gain.metric.name, gain.value, one.at, agent_id, labels))
    if upto != seq:
        metrics.put_mark(db, EVENTS, upto)
    return len(found)


def _told(db: sqlite3.Connection, one: LoggedEvent) -> Iterator[Gain]:
    if one.event.kind == "agent.sleeping":
        yield from of_nap(one.event.payload)
        yield from (Gain(gain.metric, gain.value, gain.labels) for gain in _sums_of_handles(one))
    elif one.event.kind == "agent.nap_refused":
        yield Gain(known.NAP_REFUSED)
    else:
        row = db.execute(
            "SELECT took_us, size_bytes FROM checkpoints WHERE id = ?", (one.event.payload.get("checkpoint_id"),)
        ).fetchone()
        if row is not None:
            yield from of_checkpoint(row[0] / 1e6, row[1])


def _sums_of_handles(one: LoggedEvent) -> Iterator[Gain]:
    """Their sums over naps, for means over time; how many naps were looked at stands under `looks`."""
    found = [gain for gain in handles_of(one.event.payload) if gain.metric.is_per_agent]
    yield from found
    if found:
        yield Gain(known.OPEN_HANDLES, 1.0, (LOOKS,))


def _watch(db: sqlite3.Connection, *, now: datetime) -> None:
    """How long agents have slept, and were awake, since the last look."""
    at_us = to_us(now)
    last, _ = metrics.mark(db, COUNTED_AT) or (at_us, "")
    if 0 < last - at_us < RACE_US:
        return
    watched_s = (at_us - last) / 1e6
    if 0 < watched_s <= known.WATCHED_GAP.total_seconds():
        _spread(db, known.WATCHED_SECONDS, "", "", from_us(last), now)
    for agent in agent_store.everyone(db):
        seen = Seen(_state(agent), now, agent.since_at)
        name = f"state:{agent.id}"
        noted = metrics.mark(db, name)
        if noted is not None:
            before = Seen(noted[1], from_us(noted[0]), from_us(noted[0]))
            for state, start, end in spans(before, seen):
                if state:
                    _spread(db, known.STATE_SECONDS, agent.id, state, start, end)
        metrics.put_mark(db, name, at_us, seen.state)
    metrics.put_mark(db, COUNTED_AT, at_us)
    forgot, _ = metrics.mark(db, FORGOT_AT) or (0, "")
    if abs(at_us - forgot) >= FORGET_EVERY.total_seconds() * 1e6:
        metrics.forget_old(db, now=now)
        metrics.put_mark(db, FORGOT_AT, at_us)


def _state(agent: Agent) -> str:
    if agent.lifecycle is Lifecycle.FAILED:
        return ""
    return "asleep" if agent.lifecycle is Lifecycle.ASLEEP else "awake"


def _spread(
    db: sqlite3.Connection, metric: known.Metric, agent_id: str, labels: str, start: datetime, end: datetime
) -> None:
    """Give each hour its part; what lies further back than hours are kept is left out."""
    start = max(start, end - metrics.HOURS_KEPT)
    additions = []
    while start < end:
        hour_ends = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        until = min(end, hour_ends)
        additions.append(Addition(metric.name, (until - start).total_seconds(), start, agent_id, labels))
        start = until
    metrics.add(db, additions)


def _judge(db: sqlite3.Connection, *, now: datetime) -> None:
    """Say of each wake whether it was of use, once that is known."""
    kinds = {agent.id: agent.kind for agent in agent_store.everyone(db)}
    for wake in metrics.open_wakes(db):
        if wake.agent_id not in kinds:  # forgotten meanwhile
            metrics.close_wake(db, wake.wakeup_id)
        elif not wake.is_judged and (use := _use_of(db, wake, kinds[wake.agent_id], now)):
            metrics.judged(db, wake.wakeup_id, now=now)
            _add(db, [Gain(known.WAKE_JUDGED, 1.0, (wake.source, use))], wake.agent_id, wake.woken_at)


def _use_of(db: sqlite3.Connection, wake: OpenWake, kind: str, now: datetime) -> str:
    """`useful`, `false` or `unknown`; empty while it cannot be said yet."""
    if kind not in COUNTED:
        return "unknown"
    limit = wake.woken_at + known.USEFUL_WITHIN
    slept_at = metrics.slept_at(db, wake.agent_id, after=wake.woken_at)
    end = min(limit, slept_at) if slept_at else limit
    answered_at = metrics.answered_at(db, wake.agent_id, after=wake.woken_at)
    if answered_at is not None and answered_at <= end:
        return "useful"
    return "false" if now >= end + known.GRACE else ""
