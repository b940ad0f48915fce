"""A week of figures for the invented hive, with a day in which nobody was there to count."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import pi, sin

from hive_tui.domain import metrics as known
from hive_tui.domain.counting import Gain, parts
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.store import ledger, metrics
from hive_tui.store.metrics import Addition
from hive_tui.ui.app import HiveApp

OFF = range(50, 74)
"""Hours ago in which no hive-tui ran."""


def _of_hour(hour: int, number: int) -> Iterator[Gain]:
    """What one agent did within an hour of a working day."""
    busy = max(0.0, sin((hour % 24 - 4) / 16 * pi))
    yield Gain(known.STATE_SECONDS, 3600 * (1 - 0.8 * busy), ("asleep",))
    yield Gain(known.STATE_SECONDS, 3600 * 0.8 * busy, ("awake",))
    if busy > 0.3:
        yield Gain(known.NAP)
        yield Gain(known.MEMORY_FREED, 210_000_000 * busy)
        yield Gain(known.WAKE, labels=("schedule", "wake"))
        yield Gain(known.RESUME, labels=("ok",))
        yield Gain(known.QUEUE_LATENCY, 0.2 + (hour % 5) * 0.1)
        yield Gain(known.WAKE_JUDGED, labels=("schedule", "false" if (hour + number) % 17 == 0 else "useful"))
        yield Gain(known.CHECKPOINT_SECONDS, 0.4 + busy)
        yield Gain(known.CHECKPOINT_BYTES, 8_000_000 * busy)
        yield Gain(known.CONSOLIDATION_TOKENS, 90_000 * busy, ("in",))
        yield Gain(known.CONSOLIDATION_TOKENS, 11_000 * busy, ("out",))
        yield Gain(known.CPU_USED, 2.0 * busy)
        yield Gain(known.CPU_ALLOTTED, 3.3 - busy)
        yield Gain(known.OPEN_HANDLES, 34 + hour % 7, ("before",))
        yield Gain(known.OPEN_HANDLES, 0, ("after",))
        yield Gain(known.OPEN_HANDLES, 1, ("looks",))
    if hour % 29 == 0:
        yield Gain(known.RETRY, labels=("wake",))


def _fill(db: sqlite3.Connection, ids: list[str], now: datetime) -> None:
    for ago in (one for one in range(168) if one not in OFF):
        at = now - timedelta(hours=ago)
        metrics.add(db, [Addition(known.WATCHED_SECONDS.name, 3600, at)])
        for number, agent_id in enumerate(ids):
            gains = _of_hour(int(at.timestamp()) // 3600, number)
            metrics.add(db, [Addition(n, v, at, agent_id, labels) for g in gains for n, labels, v in parts(g)])
            busy = max(0.0, sin(((at.hour - 4) / 16) * pi))
            tokens = Tokens(round(2_000 * busy), round(9_000 * busy), round(160_000 * busy), round(4_000 * busy))
            ledger.add(db, agent_id, [Spent(f"{agent_id}-{ago}", at, tokens, "s", "m", 1)], now=now)


def with_figures(app: HiveApp) -> HiveApp:
    """Three agents have a past."""
    ids = [one.id for one in app.observation.agents][:3]  # type: ignore[union-attr]
    app.hive.database.write(_fill, ids, app.hive.clock.now())
    return app
