"""The read side of the Metrics screen: figures of the last day or week, hour by hour."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hive_tui.domain import metrics as known
from hive_tui.domain.figures import FIGURES, TOKEN_KINDS, Curve, Figure, Part
from hive_tui.domain.metrics import parted
from hive_tui.domain.ports import Clock
from hive_tui.domain.usage import COUNTED
from hive_tui.store import agents as agent_store
from hive_tui.store import metrics
from hive_tui.store.database import Database
from hive_tui.store.values import from_us, to_us

READ_AGAIN_S = 30.0
"""Figures are counted so often; a screen that is drawn every second need not read them each time."""
Sums = dict[Part, float]


class Span(StrEnum):
    """How far back."""

    DAY = "24 hours"
    WEEK = "7 days"

    @property
    def hours(self) -> int:
        """How many that are."""
        return 24 if self is Span.DAY else 168

    @property
    def step_h(self) -> int:
        """Hours of one point."""
        return 1 if self is Span.DAY else 3


@dataclass(frozen=True, slots=True)
class FiguresView:
    """All figures, of one agent or of all."""

    at: datetime
    span: Span
    agent_id: str | None
    agents: tuple[tuple[str, str], ...]
    """Ids and names of those that can be looked at."""
    starts: tuple[datetime, ...]
    """When each point begins, the last one now under way; aware UTC."""
    curves: tuple[Curve, ...]

    @property
    def whose(self) -> str:
        """The agent's name, or `all agents`."""
        return dict(self.agents).get(self.agent_id or "", "all agents")


class FiguresReader:
    """Reads what a screen shows; what was read a moment ago is given again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._last: tuple[float, FiguresView] | None = None

    def view(self, span: Span, agent_id: str | None = None) -> FiguresView:
        """The figures of that span; of all agents where none is named, or the one is not there any more."""
        now = self._clock.monotonic()
        if self._last is not None:
            read_at, view = self._last
            if now - read_at < READ_AGAIN_S and (view.span, view.agent_id) == (span, agent_id):
                return view
        view = self._database.read(_view, span, agent_id, now=self._clock.now())
        self._last = (now, view)
        return view


def _view(db: sqlite3.Connection, span: Span, agent_id: str | None, *, now: datetime) -> FiguresView:
    known_agents = agent_store.everyone(db)
    agents = tuple((one.id, one.name) for one in known_agents)
    only = agent_id if agent_id in dict(agents) else None
    tells_tokens = any(one.kind in COUNTED for one in known_agents if only in (None, one.id))
    last = to_us(now) // metrics.HOUR_US
    first = last - span.hours + 1
    points = span.hours // span.step_h
    by_point: list[Sums] = [defaultdict(float) for _ in range(points)]
    for hour, part, value in _found(db, first, only):
        if hour <= last:  # of a clock that was ahead
            by_point[(hour - first) // span.step_h][part] += value
    whole: Sums = defaultdict(float)
    for sums in by_point:
        for part, value in sums.items():
            whole[part] += value
    starts = tuple(from_us((first + at * span.step_h) * metrics.HOUR_US) for at in range(points))
    return FiguresView(now, span, only, agents, starts, _curves(by_point, whole, tells_tokens))


def _curves(by_point: list[Sums], whole: Sums, tells_tokens: bool) -> tuple[Curve, ...]:
    def value(figure: Figure, sums: Sums) -> float | None:
        is_watched = sums.get((known.WATCHED_SECONDS.name, ""), 0.0) > 0
        return figure.value(sums, is_watched=is_watched and (tells_tokens or known.TOKENS.name not in figure.names))

    return tuple(
        Curve(figure, [value(figure, sums) for sums in by_point], value(figure, whole), figure.is_judged(whole))
        for figure in FIGURES
    )


def _found(db: sqlite3.Connection, first: int, agent_id: str | None) -> list[tuple[int, Part, float]]:
    """Hour, name with its last label, and value; each sum stands under no label as well."""
    found: list[tuple[int, Part, float]] = []
    names = sorted({known.WATCHED_SECONDS.name, *(name for figure in FIGURES for name in figure.names)})
    for one in metrics.hourly(db, names, since=first, agent_id=agent_id):
        label = (parted(one.labels) or ("",))[-1]
        found += [(one.bucket, (one.name, shown), one.value) for shown in {label, ""}]
    for hour, *counts in metrics.tokens_by_hour(db, since=from_us(first * metrics.HOUR_US), agent_id=agent_id):
        pairs = zip(TOKEN_KINDS, counts, strict=True)
        found += [(hour, (known.TOKENS.name, kind), float(count)) for kind, count in pairs]
    return found
