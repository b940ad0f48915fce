"""Claims by backlog: one durable claim with a thousand and with a million rows waiting.

`due`: every row is due. `ahead`: few due rows of a low priority behind all the others, which have a higher one
and are due tomorrow: the usual state of a queue with many timers.
"""

import sqlite3
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from hive_tui.store import agents as agent_store
from hive_tui.store import claims
from hive_tui.store.database import Database
from hive_tui.store.values import to_us
from tests.bench.figures import Goal, Row, Section, percentile
from tests.bench.plan import Plan
from tests.stage import CLOCK
from tests.ui.invented import agent

FEW, MANY = 1_000, 1_000_000
AGENTS = 200
CLAIMS = 300
DUE_PRIORITY, AHEAD_PRIORITY = 10, 90


def measure(plan: Plan) -> Section:
    """Claim in turn from all four queues."""
    queues = {
        (shape, size): Queue(plan.folder / f"claims-{shape}-{size}", shape, size)
        for shape in ("due", "ahead")
        for size in (FEW, MANY)
    }
    found: dict[tuple[str, int], list[list[float]]] = {key: [] for key in queues}
    for turn in range(plan.runs + 1):
        for key, queue in queues.items():
            took = queue.round()
            if turn:
                found[key].append(took)
    for queue in queues.values():
        queue.close()
    rows = []
    for shape in ("due", "ahead"):
        many, few = found[shape, MANY], found[shape, FEW]
        rows.append(Row(f"claim, {shape}, p50", "ms", _ms(many, 0.5), _ms(few, 0.5), Goal("ratio", 2.5)))
        rows.append(Row(f"claim, {shape}, p99", "ms", _ms(many, 0.99), _ms(few, 0.99), Goal("ours", 1.0)))
    return Section(f"A claim with {MANY:,} rows waiting", f"the same with {FEW:,}", rows)


def _ms(rounds: list[list[float]], share: float) -> list[float]:
    return [1e3 * percentile(one, share) for one in rounds]


class Queue:
    """A queue with a backlog that stays as long as it is."""

    def __init__(self, home: Path, shape: str, size: int) -> None:
        self._database = Database(home / "hive.db", CLOCK)
        self._database.checkpoint_wal(own=True)
        now = CLOCK.now()
        everyone = [agent(number, f"queued-{number}", now) for number in range(AGENTS)]
        for one in everyone:
            self._database.write(agent_store.add, one, now=now)
        self._ids = [one.id for one in everyone]
        self._added = 0
        priority, due = (DUE_PRIORITY, now) if shape == "due" else (AHEAD_PRIORITY, now + timedelta(days=1))
        self._database._thawed_writer().execute("PRAGMA cache_size = -400000")  # only to fill it in good time
        self._database.write(self._fill, size, priority, to_us(due))
        self._database._thawed_writer().execute("PRAGMA cache_size = -2000")

    def round(self) -> list[float]:
        """Seconds of each claim; the rows that are claimed were added just before, and are completed after it."""
        self._database.write(self._add, CLAIMS, DUE_PRIORITY, to_us(CLOCK.now() - timedelta(days=1)))
        took = []
        for _ in range(CLAIMS):
            began = perf_counter()
            claimed = self._database.write(claims.claim_due, by="bench", now=CLOCK.now(), limit=1)
            took.append(perf_counter() - began)
            (one,) = claimed
            self._database.write(claims.complete, one, now=CLOCK.now(), verdict="wake", result={})
        return took

    def _fill(self, db: sqlite3.Connection, count: int, priority: int, due: int) -> None:
        """Like `_add`, but counts the rows at the end: a trigger for each of a million takes minutes."""
        name = "wakeups_inserted"
        (trigger,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        db.execute(f"DROP TRIGGER {name}")
        self._add(db, count, priority, due)
        db.execute(trigger)
        db.execute("INSERT INTO wakeup_counts (status, n) VALUES ('pending', ?)", (count,))

    def _add(self, db: sqlite3.Connection, count: int, priority: int, due: int) -> None:
        first, self._added = self._added, self._added + count
        db.executemany(
            'INSERT INTO wakeup_requests (id, agent_id, "trigger", priority, scheduled_for, created_at)'
            " VALUES (?, ?, 'routine', ?, ?, ?)",
            ((f"row-{at:08}", self._ids[at % AGENTS], priority, due + at, due) for at in range(first, first + count)),
        )

    def close(self) -> None:
        self._database.close()
