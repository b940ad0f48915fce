"""A queue of the schema before counters and keys of their own keeps its rows, and is counted."""

import sqlite3
from pathlib import Path

from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.store import migrations, stats, wakeups
from hive_tui.store.values import to_us
from tests.builders import NOON

BEFORE = migrations.STEPS.index("0007.sql")


def test_rows_are_counted_and_the_keys_of_unfinished_ones_go_on(tmp_path: Path):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    migrations.migrate(db, Path(":memory:"), now=NOON, steps=migrations.STEPS[:BEFORE])
    now = to_us(NOON)
    db.execute(
        "INSERT INTO agents (id, name, kind, lifecycle, activity, since_at, origin, cwd, hosting, created_at)"
        " VALUES ('id-of-ada', 'ada', 'claude', 'asleep', 'unknown', ?, 'found', '/', 'shell', ?)",
        (now, now),
    )
    for number, (status, finished) in enumerate([("pending", None), ("completed", now), ("failed", now)]):
        db.execute(
            'INSERT INTO wakeup_requests (id, agent_id, "trigger", priority, status, scheduled_for, created_at,'
            " finished_at, idempotency_key) VALUES (?, 'id-of-ada', 'goal', 75, ?, ?, ?, ?, ?)",
            (f"w-{number}", status, now, now, finished, f"k-{number}"),
        )
    migrations.migrate(db, tmp_path / "hive.db", now=NOON)
    assert stats.by_status(db) == {"pending": 1, "completed": 1, "failed": 1}
    counted = {(one.what, one.count) for one in stats.since(db, NOON.date())}
    assert counted == {("asked", 3), ("completed", 1), ("failed", 1)}
    for number, is_new in ((0, False), (1, False)):
        new = NewWakeup("id-of-ada", Trigger.GOAL, NOON, idempotency_key=f"k-{number}")
        found = wakeups.enqueue(db, new, f"new-{number}", now=NOON)
        assert (found.wakeup.id, found.is_new) == ("w-0", is_new)
    db.close()
