"""Gathers what the rules of the gate look at, and judges."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from threading import Lock

from hive_tui.domain.agents import Agent
from hive_tui.domain.gate import NIGHT, STAGGER, Decision, GateFacts, GatePolicy, Verdict, judge
from hive_tui.domain.ports import Allowance, Clock
from hive_tui.domain.wakeups import Wakeup
from hive_tui.store import settings, wake_states, wakeups
from hive_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class _Start:
    agent_id: str
    at: datetime


class Gatekeeper:
    """Judges one wakeup at a time, so that wakes which come together see each other."""

    def __init__(
        self, database: Database, allowance: Allowance, clock: Clock, policy: GatePolicy, random: Random
    ) -> None:
        self._database = database
        self._allowance = allowance
        self._clock = clock
        self._policy = policy
        self._random = random
        self._lock = Lock()
        self._last: _Start | None = None
        """The latest start of an agent that no person asked for; of this process, the one that works off the queue."""

    def judge(self, wakeup: Wakeup, agent: Agent, *, is_awake: bool) -> Verdict:
        """What becomes of a claimed wakeup now.

        Args:
            wakeup: What is asked for.
            agent: Whom it is about.
            is_awake: Whether the agent's process was just seen to run.
        """
        with self._lock:
            verdict = judge(wakeup, self._facts(wakeup, agent, is_awake), self._policy)
            if verdict.decision is Decision.WAKE and not wakeup.is_by_person:
                self._last = _Start(agent.id, self._clock.now())
            return verdict

    def _facts(self, wakeup: Wakeup, agent: Agent, is_awake: bool) -> GateFacts:
        now = self._clock.now()
        over_budget = self._allowance.refusal(agent, now)
        within = timedelta(seconds=self._policy.duplicate_s)
        other = self._last if self._last is not None and self._last.agent_id != agent.id else None

        def read(db: sqlite3.Connection) -> GateFacts:
            return GateFacts(
                now,
                is_paused=bool(settings.get(db, settings.PAUSED, False)),
                is_awake=is_awake,
                is_held=agent.held,
                over_budget=over_budget,
                repeats=wake_states.repeats(db, wakeup, within, now=now),
                woken_at=wake_states.woken_at(db, agent.id),
                has_open_tasks=wakeups.has_open_tasks(db, agent.id),
                breaker=wake_states.breaker(db, agent.id),
                other_started_at=other.at if other else None,
                was_staggered=wake_states.was_deferred_by(db, wakeup.id, STAGGER),
                unattended_at=wake_states.after_limits(db, since=now - NIGHT),
                share=self._random.random(),
            )

        return self._database.read(read)
