"""A day of the heartbeat on a clock that the test moves: whatever comes and goes, nothing grows."""

import asyncio
import gc
import os
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.errors import WakeFailed
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services.heartbeat import Heartbeat
from hive_tui.settings import EventSettings, QueueSettings, Settings
from hive_tui.store import agents, claims, routines, stats, wakeups, windows
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.stage import TESTER, Heard, eventually

AGENTS = 30
TRIGGERS = (Trigger.MANUAL, Trigger.FILE, Trigger.REDIS, Trigger.SCHEDULE, Trigger.ASSIGNMENT)
STEP_S = 240.0
KEPT_DAYS = 0.004
"""Some minutes, so that a steady state comes soon."""
PAGE_BYTES = 4096
BYTES_AN_HOUR = 80_000
"""Figures by the hour are kept for a month, and runs of routines, keys and alerts for days: those may grow."""
STEADY = {
    "events": "SELECT COUNT(*) FROM events",
    "wakeups": "SELECT COUNT(*) FROM wakeup_requests WHERE id NOT IN"
    " (SELECT wakeup_id FROM routine_runs WHERE wakeup_id IS NOT NULL)",
    "to be counted": "SELECT COUNT(*) FROM metric_inbox",
    "settings": "SELECT COUNT(*) FROM settings",
    "effects": "SELECT COUNT(*) FROM effects",
    "operations": "SELECT COUNT(*) FROM operations",
}


@dataclass(frozen=True)
class Size:
    """How much of everything there is."""

    heap_bytes: int
    resident_bytes: int
    files: int
    threads: int
    database_bytes: int
    rows: dict[str, int]
    """Of tables that are emptied as fast as they are filled."""


class Soak:
    """A heartbeat with all its chores, beaten by the test. Wakes end at once; one in ten fails first."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.random = FakeClock(datetime(2026, 1, 5, 12, 0, tzinfo=UTC)), Random(5)
        kept = Settings(queue=QueueSettings(keep_days=KEPT_DAYS), events=EventSettings(keep_days=KEPT_DAYS))  # type: ignore[arg-type]
        self.hive = Hive(folder / "home", kept, str(folder / "no-server"), clock=self.clock, notifier=Heard())
        self.database, self.ran, self.asked = self.hive.database, 0, 0
        for number in range(AGENTS):
            self.database.write(agents.add, an_ended_agent(f"a{number}"), now=self.clock.now())
        self.hive.schedule.add(SleepWindow("", None, "02:00", "04:00", "Europe/Berlin", active=True), TESTER)
        first = self.database.read(agents.get, "id-of-a0")
        self.hive.recurring.routines.add("10m", first, TESTER, name="often")
        self.hive.dispatcher.run = self.run  # type: ignore[method-assign]
        self.heartbeat: Heartbeat = new_heartbeat(self.hive, observe_every_s=1.0)

    def run(self, claimed: Wakeup) -> None:
        self.ran += 1
        if claimed.attempts == 1 and self.ran % 10 == 0:
            self.hive.dispatcher._fail(claimed, "it", WakeFailed("not now"), [])
            return
        self.database.write(claims.complete, claimed, now=self.clock.now(), verdict="wake", result={})

    async def go_on(self, hours: float) -> None:
        until = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < until:
            self.clock.advance(STEP_S)
            for _ in range(4):
                agent, trigger = f"id-of-a{self.random.randrange(AGENTS)}", self.random.choice(TRIGGERS)
                at = self.clock.now() + timedelta(seconds=self.random.choice((0, 0, 60, 600)))
                self.hive.queue.enqueue(NewWakeup(agent, trigger, at, context={"payload": self.asked}), TESTER)
                self.asked += 1
            await self.heartbeat.tick()
            await asyncio.to_thread(eventually, lambda: not self.heartbeat.is_busy, "what was begun ends")

    def count(self, sql: str) -> int:
        return self.database.read(lambda db: int(db.execute(sql).fetchone()[0]))

    def size(self) -> Size:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return Size(
            tracemalloc.get_traced_memory()[0],
            pages * os.sysconf("SC_PAGE_SIZE"),
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
            self.count("PRAGMA page_count") * PAGE_BYTES,
            {name: self.count(sql) for name, sql in STEADY.items()},
        )

    async def soak(self, warm_up_hours: float, hours: float) -> tuple[Size, Size]:
        await self.go_on(warm_up_hours)
        before = self.size()
        await self.go_on(hours)
        after = self.size()
        await self.heartbeat._leave()
        return before, after


@pytest.fixture
def soak(tmp_path: Path) -> Iterator[Soak]:
    made = Soak(tmp_path)
    yield made
    tracemalloc.stop()
    made.hive.close()


def check(soak: Soak, before: Size, after: Size, *, hours: float, least_run: int, threads: int) -> None:
    """Nothing has grown, nothing is left over, and all that was asked for has run."""
    grown = f"{before} {after}"
    assert after.heap_bytes - before.heap_bytes < 1 << 20, grown
    assert after.resident_bytes - before.resident_bytes < 16 << 20, grown
    # A pool of threads fills up by and by, and each thread has a connection for reading: the file, its log, the index.
    assert after.threads <= before.threads + threads, grown
    assert after.files <= before.files + 3 * threads, grown
    assert after.database_bytes - before.database_bytes < BYTES_AN_HOUR * hours + (1 << 18), grown
    assert all(after.rows[name] <= rows * 1.25 + 20 for name, rows in before.rows.items()), grown
    assert soak.ran > least_run and soak.database.integrity_errors() == []
    counts = soak.database.read(stats.by_status)
    assert counts.get("failed", 0) == 0 and counts.get("processing", 0) == 0
    waiting, overdue = soak.database.read(wakeups.pending, 1000), soak.clock.now() - timedelta(minutes=10)
    assert all(one.scheduled_for > overdue for one in waiting), "nobody waits for long"
    assert soak.heartbeat.beat.trouble == {}


async def test_a_while_leaves_nothing_behind(soak: Soak):
    before, after = await soak.soak(0.3, 0.3)
    check(soak, before, after, hours=0.3, least_run=8, threads=8)


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_a_day_leaves_nothing_behind(soak: Soak):
    tracemalloc.start()
    before, after = await soak.soak(4, 24)
    # Threads: one that comes and goes may be there just now, beside one that a pool has made since.
    check(soak, before, after, hours=24, least_run=1_000, threads=3)
    [window] = soak.database.read(windows.everything)
    edges = soak.database.read(windows.noted, window.id, since=soak.clock.now() - timedelta(days=3))
    assert [str(one.outcome) for one in edges] == ["done"] * len(edges) and len(edges) in (2, 3, 4)
    [routine] = soak.database.read(routines.everything)
    runs = soak.database.read(routines.runs, routine.id, limit=500)
    assert len(runs) == 28 * 6 and {str(one.outcome) for one in runs} == {"done"}
