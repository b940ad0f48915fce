"""Wishes naps for agents that have run into their usage limit, and asks for their wakes at its reset."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.auto_naps import Restful, Wish
from hive_tui.domain.events import HEARTBEAT
from hive_tui.domain.limits import UsageLimit, is_same, is_wake_of, wake_at
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import ON_RESUME, NewWakeup, Trigger, Wakeup
from hive_tui.services.budgets import limits_now
from hive_tui.services.queue import WakeupQueue
from hive_tui.store import agents as agent_store
from hive_tui.store import announcements, keys, ledger, reset_wakes, wakeups
from hive_tui.store.database import Database
from hive_tui.store.reset_wakes import Move

LIMIT_REASON = "its usage limit lasts until"
"""How the reason of an agent begins that sleeps through its limit."""
WORTH = timedelta(minutes=5)
"""A limit that ends sooner is waited for awake: a wake costs tokens, too."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=10)
"""A nap that something spoke against is wished again after a wait that doubles, between these."""


class LimitNaps:
    """Each limit is slept through once: who was woken in it, by whomever, stays awake.

    Args:
        say: What an agent is told that was woken after its limit; empty for nothing.
    """

    def __init__(self, database: Database, queue: WakeupQueue, clock: Clock, random: Random, *, say: str) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._random = random
        self._say = say
        self._limited: dict[str, Agent] = {}
        self._waits: dict[str, tuple[datetime, timedelta]] = {}
        self._wished: dict[str, datetime] = {}
        """Resets until which a nap is wished: it stays worth it while it is announced."""

    def note(self, restful: Sequence[Restful]) -> None:
        """Take in one look."""
        self._limited = {one.agent.id: one.agent for one in restful if one.sighting.activity is Activity.LIMITED}

    def wishes(self) -> list[Wish]:
        """Who is limited for long enough, of those that the registry knows to be limited, too."""
        if not self._limited:
            return []
        now = self._clock.now()
        limits = self._database.read(limits_now, self._limited.values(), now=now)
        stopped = self._database.read(announcements.stopped_at)
        found = []
        for agent_id, limit in limits.items():
            agent = self._limited[agent_id]
            is_stopped = agent_id in stopped and stopped[agent_id] >= agent.since_at
            if limit.resets_at is not None and not is_stopped and self._is_due(agent, limit, now):
                found.append(Wish(agent_id, agent.name, _reason(limit.resets_at)))
        return found

    def was_stopped(self, agent_id: str) -> None:
        """Not at once again; whether a person stopped it is in the database."""
        self._wished.pop(agent_id, None)
        _, before = self._waits.get(agent_id, (None, FIRST_WAIT / 2))
        wait = min(before * 2, LONGEST_WAIT)
        self._waits[agent_id] = (self._clock.now() + wait, wait)

    def begins(self, wish: Wish) -> None:
        """That concerns no other agent."""

    def slept(self, wish: Wish) -> None:
        """Ask for its wake."""
        self._waits.pop(wish.agent_id, None)
        self._wished.pop(wish.agent_id, None)
        self._limited.pop(wish.agent_id, None)
        self.mend()

    def mend(self) -> None:
        """Ask for the wakes of all that sleep through a limit and have none; each is asked for once.

        Wakes that wait for the end of another limit than the one that lasts go with it.
        """
        known = None
        for agent in self._database.read(agent_store.everyone):
            if agent.lifecycle is Lifecycle.AWAKE and agent.activity is Activity.LIMITED:
                self._mend_awake(agent)
            if agent.lifecycle is not Lifecycle.ASLEEP or not agent.reason.startswith(LIMIT_REASON):
                continue
            known = known or self._database.read(ledger.limits)
            limit, _ = known.get(agent.id, (None, None))
            if limit is not None and limit.resets_at is not None:
                self._ask_wake(agent, limit.resets_at)

    def _mend_awake(self, agent: Agent) -> None:
        """Somebody has started it in its limit by hand, so that its wake still waits."""
        waiting = self._wake_for_limit(agent)
        if waiting is None:
            return
        limit = self._database.read(limits_now, [agent], now=self._clock.now()).get(agent.id)
        if limit is not None and limit.is_waitable and limit.resets_at is not None:
            self._move(waiting, limit.resets_at)

    def _is_due(self, agent: Agent, limit: UsageLimit, now: datetime) -> bool:
        if not limit.is_waitable or limit.resets_at is None:
            return False
        if limit.resets_at - now < WORTH and self._wished.get(agent.id) != limit.resets_at:
            return False
        wait = self._waits.get(agent.id)
        if wait is not None and wait[0] > now:
            return False
        if self._database.read(keys.is_known, _key(agent.id, limit.resets_at)):
            return False
        # What the screen shows of a limit is gone once the agent sleeps.
        self._note(agent, limit)
        self._wished[agent.id] = limit.resets_at
        return True

    def _note(self, agent: Agent, limit: UsageLimit) -> None:
        told = self._database.read(ledger.limits).get(agent.id)
        if told is None or told[0].resets_at != limit.resets_at:
            self._database.write(ledger.put_limit, agent.id, limit, said_at=agent.since_at)

    def _ask_wake(self, agent: Agent, resets_at: datetime) -> None:
        key = _key(agent.id, resets_at)
        waiting = self._wake_for_limit(agent)
        if waiting is not None:
            self._move(waiting, resets_at)
        if self._database.read(keys.is_known, key):
            return
        if waiting is not None:
            # The limit was told a little differently, or was moved to before the agent slept.
            self._database.write(reset_wakes.note, waiting, key, now=self._clock.now())
            return
        context = {ON_RESUME: self._say} if self._say else {}
        at = wake_at(resets_at, self._random)
        self._queue.enqueue(
            NewWakeup(agent.id, Trigger.LIMIT_RESET, at, idempotency_key=key, context=context), HEARTBEAT
        )

    def _wake_for_limit(self, agent: Agent) -> Wakeup | None:
        """Its wake that waits for the end of a limit, perhaps among other things."""
        found = self._database.read(wakeups.unfinished_wakes, agent.id)
        return next((one for one in found if Trigger.LIMIT_RESET in one.triggers), None)

    def _move(self, waiting: Wakeup, resets_at: datetime) -> None:
        """Have a wake wait for that reset; one that was put off, or asked for by others, too, keeps its time."""
        until = _reset_of(waiting)
        if until is None or is_same(until, resets_at) or waiting.triggers != {Trigger.LIMIT_RESET}:
            return
        if waiting.attempts == 0 and is_wake_of(waiting.scheduled_for, until):
            at = wake_at(resets_at, self._random)
            key, reason = _key(waiting.agent_id, resets_at), _reason(resets_at)
            self._queue.follow_reset(waiting, Move(at, key, reason, LIMIT_REASON), HEARTBEAT)


def _reason(resets_at: datetime) -> str:
    return f"{LIMIT_REASON} {resets_at:%Y-%m-%d %H:%M} UTC"


def _reset_of(wakeup: Wakeup) -> datetime | None:
    """The reset that a wake was asked for, to the minute; None for one that had another reason first."""
    key, begin = wakeup.idempotency_key or "", f"limit:{wakeup.agent_id}:"
    try:
        return datetime.fromisoformat(key.removeprefix(begin)).replace(tzinfo=UTC) if key.startswith(begin) else None
    except ValueError:
        return None  # whoever asks may give any key


def _key(agent_id: str, resets_at: datetime) -> str:
    return f"limit:{agent_id}:{resets_at:%Y-%m-%dT%H:%M}"
