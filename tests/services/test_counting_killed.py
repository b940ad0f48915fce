"""A process that is killed while it counts: each thing is counted once all the same."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from hive_tui.services.counting import Counting
from hive_tui.store import agents, metrics
from hive_tui.store.database import Database
from hive_tui.store.values import to_us
from tests.builders import NOON, an_ended_agent
from tests.clocks import FakeClock
from tests.stage import ROOT, eventually

ENTRIES, KILLS = 6_000, 12
BODY = '{"action":"wake","source":"goal","id":"w","outcome":"failed","next":1}'
COUNTER = """
import sys
from pathlib import Path
from hive_tui.services.counting import Counting
from hive_tui.store.database import Database
from tests.clocks import FakeClock
counting = Counting(Database(Path(sys.argv[1]), FakeClock()), FakeClock())
print("ready", flush=True)
while True:
    counting.count(patience_s=0.0)
"""


def plant(db: sqlite3.Connection) -> None:
    agents.add(db, an_ended_agent(), now=NOON)
    row = ("ended", to_us(NOON), "id-of-ada", BODY)
    db.executemany("INSERT INTO metric_inbox (what, at, agent_id, body) VALUES (?, ?, ?, ?)", [row] * ENTRIES)


def waiting(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM metric_inbox").fetchone()[0])


@pytest.mark.faults
def test_each_thing_is_counted_once_by_processes_that_are_killed(tmp_path: Path):
    random, path = Random(1), tmp_path / "hive.db"
    database = Database(path, FakeClock())
    database.write(plant)
    for _ in range(KILLS):
        left = database.read(waiting)
        counter = subprocess.Popen(
            [sys.executable, "-c", COUNTER, str(path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert counter.stdout is not None and counter.stdout.readline() == b"ready\n"
        goal = left - random.randrange(1, ENTRIES // KILLS)
        eventually(lambda goal=goal: database.read(waiting) <= max(0, goal), "it counts")  # type: ignore[misc]
        counter.send_signal(signal.SIGKILL)
        counter.wait()
        counter.stdout.close()
    counting = Counting(database, FakeClock())
    while database.read(waiting):
        counting.count()
    found = {(one.name, one.labels): one.value for one in database.read(metrics.sums, "ever")}
    by_hour = [one.value for one in database.read(metrics.sums, "hour", ("retry",))]
    assert found["wake", "goal,failed"] == found["retry", "wake"] == found["resume", "failed"] == ENTRIES
    assert by_hour == [ENTRIES]
    database.close()
