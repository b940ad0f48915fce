"""Claims by backlog: one durable claim with a thousand and with a million rows waiting.

`due`: every row is due. `ahead`: few due rows of a low priority behind all the others, which have a higher one
and are due tomorrow: the usual state of a queue with many timers.

Claims by turns are durable, as they are in use (`synchronous=FULL`: each waits for the disk once), and committed
without that wait (`NORMAL`, the rows `no sync`): the goals are about what a queue can make slow, and no disk.
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
CLAIMS = 400
NORMAL = "NORMAL"
MODES = {NORMAL: "no sync", "FULL": "durable"}
DUE_PRIORITY, AHEAD_PRIORITY = 10, 90


def measure(plan: Plan) -> Section:
    """Claim in turn from all four queues."""
    queues = {
        (shape, size): Queue(plan.folder / f"claims-{shape}-{size}", shape, size)
        for shape in ("due", "ahead")
        for size in (FEW, MANY)
    }
    found: dict[tuple[str, int, str], list[list[float]]] = {(*key, mode): [] for key in queues for mode in MODES}
    for turn in range(plan.runs + 1):
        for key, queue in queues.items():
            took = queue.round()
            for mode in MODES if turn else ():
                found[*key, mode].append(took[mode])
    for queue in queues.values():
        queue.close()
    rows = []
    for shape in ("due", "ahead"):
        for mode, said in MODES.items():
            many, few = found[shape, MANY, mode], found[shape, FEW, mode]
            most = Goal("ours", 1.0) if mode == NORMAL else None
            rows.append(Row(f"{said}, {shape}, p50", "ms", _ms(many, 0.5), _ms(few, 0.5), Goal("ratio", 2.5)))
            rows.append(Row(f"{said}, {shape}, p99", "ms", _ms(many, 0.99), _ms(few, 0.99), most))
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

    def round(self) -> dict[str, list[float]]:
        """Seconds of each claim by how it is committed; its row was added just before, and is completed after it."""
        self._database.write(self._add, CLAIMS, DUE_PRIORITY, to_us(CLOCK.now() - timedelta(days=1)))
        took: dict[str, list[float]] = {mode: [] for mode in MODES}
        for number in range(CLAIMS):
            mode = tuple(MODES)[number % len(MODES)]
            self._database._thawed_writer().execute(f"PRAGMA synchronous = {mode}")
            began = perf_counter()
            claimed = self._database.write(claims.claim_due, by="bench", now=CLOCK.now(), limit=1)
            took[mode].append(perf_counter() - began)
            (one,) = claimed
            self._database.write(claims.complete, one, now=CLOCK.now(), verdict="wake", result={})
            self._database.fold_wal()  # as the heartbeat does, when nobody waits
        return took

    def _fill(self, db: sqlite3.Connection, count: int, priority: int, due: int) -> None:
        """Like `_add`, but counts the rows at the end: a trigger for each of a million takes minutes."""
        name = "wakeups_inserted"
        (trigger,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        db.execute(f"DROP TRIGGER {name}")
        self._add(db, count, priority, due)
        db.execute(trigger)
        db.execute("INSERT INTO wakeup_stats (day, \"trigger\", what, n) VALUES (-1, '', 'pending', ?)", (count,))

    def _add(self, db: sqlite3.Connection, count: int, priority: int, due: int) -> None:
        first, self._added = self._added, self._added + count
        db.executemany(
            'INSERT INTO wakeup_requests (id, agent_id, "trigger", priority, scheduled_for, created_at)'
            " VALUES (?, ?, 'routine', ?, ?, ?)",
            ((f"row-{at:08}", self._ids[at % AGENTS], priority, due + at, due) for at in range(first, first + count)),
        )

    def close(self) -> None:
        self._database.close()
