"""What sleep has saved in the last days, from the records of each agent."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain import metrics as known
from hive_tui.domain.agents import Agent
from hive_tui.domain.metrics import parted
from hive_tui.domain.ports import Clock
from hive_tui.domain.savings import Account, Handover, Price, Skipped, Turn, replay, total
from hive_tui.domain.usage import Tokens
from hive_tui.store import agents as agent_store
from hive_tui.store import metrics
from hive_tui.store.database import Database
from hive_tui.store.turns import handovers_of, turns_of
from hive_tui.store.values import from_us, to_us

MOST_DAYS = 34
"""Turns are kept apart for so long."""


@dataclass(frozen=True, slots=True)
class Savings:
    """Accounts by the agents' names."""

    since: datetime
    until: datetime
    agents: Mapping[str, Account]

    @property
    def total(self) -> Account:
        """Of all of them."""
        return total(self.agents)


class Accountant:
    """Replays what is recorded; see `domain.savings` for how, and for what is an estimate."""

    def __init__(self, database: Database, clock: Clock, *, price: Price, cache_s: float, compact_at: int) -> None:
        self._database = database
        self._clock = clock
        self.price = price
        self._rules: Mapping[str, Any] = {"cache_s": cache_s, "compact_at": compact_at}

    def savings(self, *, days: int, agent: Agent | None = None) -> Savings:
        """Of the last `days` times 24 hours, of one agent or of all that have made a turn."""
        now = self._clock.now()
        return self._database.read(_savings, now - timedelta(days=days), now, agent, self._rules)


def _savings(
    db: sqlite3.Connection, since: datetime, until: datetime, only: Agent | None, rules: Mapping[str, Any]
) -> Savings:
    agents = [only] if only is not None else agent_store.everyone(db)
    found = {one.name: _account(db, one.id, since, rules) for one in agents}
    return Savings(since, until, {name: one for name, one in found.items() if one.turns or only is not None})


def _account(db: sqlite3.Connection, agent_id: str, since: datetime, rules: Mapping[str, Any]) -> Account:
    turns: list[Turn] = turns_of(db, agent_id)
    handovers: list[Handover] = handovers_of(db, agent_id)
    skipped, spent = beside(db, agent_id, since)
    return replay(turns, handovers, skipped, since=since, own_spend=spent, **rules)


def beside(db: sqlite3.Connection, agent_id: str, since: datetime) -> tuple[list[Skipped], Tokens]:
    """What was counted beside the turns: wakes that the gate skipped, and consolidation's own spend."""
    return _skipped(db, agent_id, since), _own_spend(db, agent_id, since)


def _skipped(db: sqlite3.Connection, agent_id: str, since: datetime) -> list[Skipped]:
    """By the hour; what fell into the hour of `since` before it is left out with the rest of that hour."""
    first = -(-to_us(since) // metrics.HOUR_US)
    found = metrics.sums(db, "hour", (known.GATED.name,), since=first, agent_id=agent_id)
    return [
        Skipped(from_us(one.bucket * metrics.HOUR_US), int(one.value))
        for one in found
        if parted(one.labels)[:1] != (known.ALREADY_AWAKE,)
    ]


def _own_spend(db: sqlite3.Connection, agent_id: str, since: datetime) -> Tokens:
    """With all of the hour of `since`: rather too much than too little."""
    first = to_us(since) // metrics.HOUR_US
    found = metrics.sums(db, "hour", (known.MODEL_TOKENS.name,), since=first, agent_id=agent_id)
    both = {way: sum(int(one.value) for one in found if one.labels == way) for way in ("in", "out")}
    return Tokens(input=both["in"], output=both["out"])
