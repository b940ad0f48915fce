"""The queue: wakeups a second through the service on a real SQLite file, each step one durable commit.

A round enqueues 200 wakeups, one an agent, through `WakeupQueue`, then claims them by fives and
completes each, as the dispatcher does, and moves the log into the file as the heartbeat does. Once on a database
with nothing else in it, once on one with 100,000 finished wakeups and their attempts. Beside it: bare `sqlite3` with
one table and one index, with the same durability (WAL, `synchronous=FULL`) and as many commits; and APScheduler 3 with
its job store on a SQLite file in WAL (`peers.py`), which runs each job and removes it, one commit each.

DBOS, on a SQLite file and on PostgreSQL, and Procrastinate on PostgreSQL are measured where they are installed
(`peers.py`), as they come: each commit waits for the disk. The goals were set with all SQLite queues at
`synchronous=NORMAL` beside these peers as they come, and with APScheduler at NORMAL, too: those rows judge. The rows
`both synced` say what is left where ours, as it is shipped, waits for the disk with each commit, like the peer.
"""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter

from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.services.dispatch import AT_ONCE
from hive_tui.settings import Settings
from hive_tui.store import agents as agent_store
from hive_tui.store import claims
from hive_tui.store.values import to_us
from tests.bench.figures import Goal, Row, Section
from tests.bench.peers import ApScheduler3, Child
from tests.bench.plan import Plan
from tests.bench.postgres import postgres
from tests.stage import CLOCK, TESTER
from tests.ui.invented import agent

WAKEUPS = 200
FINISHED = 100_000
SYNCED = ", both synced"
"""Of two that wait for the disk with each commit; ours has 100,000 finished wakeups, the peer has none."""
NORMAL, PEER_UNSYNCED = "NORMAL", "unsynced apscheduler"
SQLITE_PEER, UNSYNCED = "DBOS on SQLite", ", no sync"
CONTEXT = '{"mission": "Ship the release", "goal": {"id": "g-1042", "title": "Reduce the crash rate"}}'

Round = tuple[float, float]
"""Enqueued, and claimed and completed: both a second."""


def measure(plan: Plan) -> Section:
    """Run rounds on the three databases in turn."""
    empty, full = Queue(plan.folder / "queue-empty"), Queue(plan.folder / "queue-full")
    full.fill(FINISHED)
    with postgres() as server:
        others = _others(plan.folder, server)
        try:
            return _measured(plan, empty, full, others)
        finally:
            for one in others.values():
                one.close()


def _others(folder: Path, server: Path | None) -> dict[str, Child]:
    """The peers that need not be installed; none has a database server where there is none."""
    psycopg = f"postgresql+psycopg://bench@/postgres?host={server}"
    return {
        SQLITE_PEER: Child("dbos", f"sqlite:///{folder / 'dbos.db'}"),
        "DBOS": Child("dbos", psycopg if server else None),
        f"DBOS{UNSYNCED}": Child("dbos", f"{psycopg}&options=-csynchronous_commit%3Doff" if server else None),
        "Procrastinate": Child("procrastinate", f"host={server} user=bench dbname=postgres" if server else None),
    }


def _measured(plan: Plan, empty: "Queue", full: "Queue", others: dict[str, Child]) -> Section:
    bare, peer = Bare(plan.folder / "bare.db"), ApScheduler3(plan.folder / "apscheduler.db", CONTEXT)
    unsynced, unsynced_peer = (
        Queue(plan.folder / "queue-unsynced", NORMAL),
        ApScheduler3(plan.folder / "unsynced.db", CONTEXT, NORMAL),
    )
    queues: dict[str, Callable[[], Round]] = {
        "bare": bare.round,
        "empty": empty.round,
        "full": full.round,
        "apscheduler": lambda: peer.round(WAKEUPS),
        "unsynced": unsynced.round,
        "unsynced apscheduler": lambda: unsynced_peer.round(WAKEUPS),
        **{name: partial(one.round, WAKEUPS) for name, one in others.items()},
    }
    rounds: dict[str, list[Round]] = {name: [] for name in queues}
    for turn in range(plan.runs + 1):
        for name, run in queues.items():
            rates = run()
            if turn:
                rounds[name].append(rates)
    for opened in (empty, full, bare, peer, unsynced, unsynced_peer):
        opened.close()
    versions = sorted({one.title for one in others.values() if one.title})
    notes = [f"Beside it, as they come: {', '.join(versions)}"] if versions else []
    rows = _rows(rounds) + _rows_beside(rounds)
    return Section("Queue, wakeups a second", "bare sqlite3, same durability and commits", rows, notes)


def _rows_beside(rounds: dict[str, list[Round]]) -> list[Row]:
    """Beside peers that may be absent; a row without a figure beside it says so."""
    wanted = (
        ("enqueue", SQLITE_PEER, "unsynced", 0, _at_least(8)),
        ("enqueue", "DBOS", "unsynced", 0, _at_least(8)),
        ("completed", "Procrastinate", "unsynced", 1, _at_least(4)),
        ("enqueue", f"DBOS{UNSYNCED}", "unsynced", 0, None),
        ("enqueue", SQLITE_PEER, "full", 0, None),
        ("enqueue", "DBOS", "full", 0, None),
        ("completed", "Procrastinate", "full", 1, None),
    )
    rows = []
    for what, name, ours, at, least in wanted:
        beside = [one[at] for one in rounds[name] if one[at]]
        title = f"{what} / {name}{SYNCED if ours == 'full' else ''}" if beside else f"{name}: not installed"
        rows.append(Row(title, "1/s", [one[at] for one in rounds[ours]], beside, least if beside else None))
    return rows


def _rows(rounds: dict[str, list[Round]]) -> list[Row]:
    enqueued = {name: [one[0] for one in found] for name, found in rounds.items()}
    completed = {name: [one[1] for one in found] for name, found in rounds.items()}
    whole = {name: [1 / (1 / a + 1 / b) for a, b in found if a and b] for name, found in rounds.items()}
    least = _at_least(0.35), _at_least(0.30)
    return [
        Row("enqueue, empty", "1/s", enqueued["empty"], enqueued["bare"], least[0]),
        Row("enqueue, 100,000 finished", "1/s", enqueued["full"], enqueued["bare"], least[0]),
        Row("claim + complete, empty", "1/s", completed["empty"], completed["bare"], least[1]),
        Row("claim + complete, 100,000", "1/s", completed["full"], completed["bare"], least[1]),
        Row("enqueue / APScheduler 3", "1/s", enqueued["unsynced"], enqueued[PEER_UNSYNCED], _at_least(1.5)),
        Row("claim + complete", "1/s", completed["unsynced"], completed[PEER_UNSYNCED], _at_least(1)),
        Row(f"enqueue / APScheduler 3{SYNCED}", "1/s", enqueued["full"], enqueued["apscheduler"]),
        Row(f"claim + complete{SYNCED}", "1/s", completed["full"], completed["apscheduler"]),
        Row("all three, empty", "1/s", whole["empty"], whole["bare"]),
        Row("all three, 100,000 / empty", "1/s", whole["full"], whole["empty"]),
    ]


def _at_least(ratio: float) -> Goal:
    return Goal("ratio", ratio, is_least=True)


class Queue:
    """Ours, with 200 agents."""

    def __init__(self, home: Path, synchronous: str = "FULL") -> None:
        self._hive = Hive(home, Settings())
        self._hive.database._thawed_writer().execute(f"PRAGMA synchronous = {synchronous}")
        self._hive.database.checkpoint_wal(own=True)
        now = CLOCK.now()
        self._agents = [agent(number, f"queued-{number}", now) for number in range(WAKEUPS)]
        for one in self._agents:
            self._hive.database.write(agent_store.add, one, now=now)

    def fill(self, finished: int) -> None:
        """Add wakeups that are done with, and one attempt each."""
        self._hive.database.write(_fill, [one.id for one in self._agents], finished)

    def round(self) -> Round:
        """Enqueue all, then work them off."""
        began = perf_counter()
        for one in self._agents:
            self._hive.queue.enqueue(NewWakeup(one.id, Trigger.ROUTINE, CLOCK.now()), TESTER)
        enqueued = perf_counter()
        database, done = self._hive.database, 0
        database.fold_wal()  # which is the work of who claims, and not of who asks
        while claimed := database.write(claims.claim_due, by="bench", now=CLOCK.now(), limit=AT_ONCE):
            for wakeup in claimed:
                done += database.write(claims.complete, wakeup, now=CLOCK.now(), verdict="wake", result={})
        assert done == WAKEUPS
        database.fold_wal()
        return WAKEUPS / (enqueued - began), WAKEUPS / (perf_counter() - enqueued)

    def close(self) -> None:
        self._hive.close()


def _fill(db: sqlite3.Connection, agent_ids: list[str], finished: int) -> None:
    now = to_us(CLOCK.now() - timedelta(days=1))
    ids = [f"finished-{number:06}" for number in range(finished)]
    db.executemany(
        'INSERT INTO wakeup_requests (id, agent_id, "trigger", priority, status, scheduled_for, attempts, context,'
        " claim_token, created_at, started_at, finished_at, result)"
        " VALUES (?, ?, 'routine', 60, 'completed', ?, 1, ?, 1, ?, ?, ?, '{}')",
        [(one, agent_ids[at % len(agent_ids)], now + at, CONTEXT, now, now, now + at) for at, one in enumerate(ids)],
    )
    db.executemany(
        "INSERT INTO wakeup_attempts (wakeup_id, number, started_at, finished_at, outcome, verdict)"
        " VALUES (?, 1, ?, ?, 'succeeded', 'wake')",
        [(one, now, now) for one in ids],
    )


class Bare:
    """The least that a durable queue on SQLite must do."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, status TEXT, due INTEGER, context TEXT)")
        self._db.execute("CREATE INDEX due ON queue (due, id) WHERE status = 'pending'")

    def round(self) -> Round:
        """The same round: fives are claimed in one commit."""
        began = perf_counter()
        for number in range(WAKEUPS):
            self._commit("INSERT INTO queue (status, due, context) VALUES ('pending', ?, ?)", (number, CONTEXT))
        enqueued = perf_counter()
        while claimed := self._commit(
            "UPDATE queue SET status = 'processing' WHERE id IN"
            " (SELECT id FROM queue WHERE status = 'pending' ORDER BY due, id LIMIT ?) RETURNING id",
            (AT_ONCE,),
        ):
            for (number,) in claimed:
                self._commit("UPDATE queue SET status = 'completed' WHERE id = ?", (number,))
        return WAKEUPS / (enqueued - began), WAKEUPS / (perf_counter() - enqueued)

    def _commit(self, sql: str, values: tuple[object, ...]) -> list[tuple[int]]:
        self._db.execute("BEGIN IMMEDIATE")
        found = self._db.execute(sql, values).fetchall()
        self._db.execute("COMMIT")
        return found

    def close(self) -> None:
        self._db.close()
