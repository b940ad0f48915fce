"""What lists show of tokens, budgets and sleep windows once the panes were looked at; the first paint goes without."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hive_tui.domain.budget import Budget
    from hive_tui.domain.windows import Edge


@dataclass(frozen=True, slots=True)
class Extras:
    """By agent id, unless it says otherwise."""

    tokens: Mapping[str, int] = field(default_factory=dict)
    """Spent since 00:00 UTC; none of those that spent nothing."""
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """Of agents that have one of their own."""
    budget_of_all: Budget | None = None
    """Of all others."""
    prices: Mapping[str, int] = field(default_factory=dict)
    """Tokens of a cold resume, where the length of the conversation is known."""
    next_edge: tuple[datetime, Edge] | None = None
    """When the next sleep window begins or ends, and which of the two; None where none is active."""


NOTHING = Extras()


def read(db: sqlite3.Connection, *, now: datetime) -> Extras:
    """As of now, in one transaction. What this needs is imported here, since `NOTHING` needs none of it."""
    from hive_tui.domain.windows import next_of_all
    from hive_tui.store import budgets, ledger, windows

    budgets_by_id = budgets.everything(db)
    coming = next_of_all(windows.everything(db), now)
    return Extras(
        {agent_id: used.total for agent_id, used in ledger.on_day(db, now.date()).items()},
        budgets_by_id,
        budgets_by_id.get(budgets.EVERYONE),
        ledger.contexts(db),
        (coming[1].at, coming[1].edge) if coming else None,
    )
