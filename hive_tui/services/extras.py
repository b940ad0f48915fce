"""What lists show of tokens, budgets and sleep windows once the panes were looked at; the first paint goes without."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hive_tui.domain.agents import Activity, Agent, Lifecycle

if TYPE_CHECKING:
    from hive_tui.domain.budget import Budget
    from hive_tui.domain.windows import Edge
    from hive_tui.store.announcements import Announced


class Extras(Struct, frozen=True):
    """By agent id, unless it says otherwise."""

    tokens: Mapping[str, int] = field(default_factory=dict)
    """Spent since 00:00 UTC; none of those that spent nothing."""
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """Of agents that have one of their own."""
    budget_of_all: Budget | None = None
    """Of all others."""
    prices: Mapping[str, int] = field(default_factory=dict)
    """Tokens of a cold resume, where the length of the conversation is known."""
    limited_until: Mapping[str, datetime] = field(default_factory=dict)
    """When the usage limit ends that an agent shows, where that is known."""
    naps: Mapping[str, Announced] = field(default_factory=dict)
    """Naps that begin by themselves unless somebody stops them."""
    next_edge: tuple[datetime, Edge] | None = None
    """When the next sleep window begins or ends, and which of the two; None where none is active."""


NOTHING = Extras()
OVERDUE = timedelta(minutes=2)
"""A nap that was to begin so long ago was announced by a heartbeat that has ended."""


def read(db: sqlite3.Connection, agents: Iterable[Agent], *, now: datetime) -> Extras:
    """As of now, in one transaction. What this needs is imported here, since `NOTHING` needs none of it."""
    from hive_tui.domain.windows import next_of_all
    from hive_tui.services.budgets import limits_now
    from hive_tui.store import announcements, budgets, ledger, settings, windows

    budgets_by_id = budgets.everything(db)
    limited = [one for one in agents if one.activity is Activity.LIMITED]
    limits = limits_now(db, limited, now=now) if limited else {}
    is_paused = bool(settings.get(db, settings.PAUSED, False))
    coming = next_of_all(windows.everything(db), now)
    return Extras(
        {agent_id: used.total for agent_id, used in ledger.on_day(db, now.date()).items()},
        budgets_by_id,
        budgets_by_id.get(budgets.EVERYONE),
        ledger.contexts(db),
        {one: limit.resets_at for one, limit in limits.items() if limit.resets_at is not None},
        {} if is_paused else _coming(announcements.announced(db), agents, now),
        (coming[1].at, coming[1].edge) if coming else None,
    )


def _coming(naps: Mapping[str, Announced], agents: Iterable[Agent], now: datetime) -> dict[str, Announced]:
    """Those that were announced, unless whoever announced them is gone."""
    awake = {one.id for one in agents if one.lifecycle is Lifecycle.AWAKE}
    return {one: nap for one, nap in naps.items() if one in awake and now - nap.at < OVERDUE}
