"""A queue of the schema before counters and keys of their own keeps its rows, and is counted."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from hive_tui.domain.limits import UsageLimit
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.store import journal, ledger, migrations, stats, wakeups
from hive_tui.store.values import to_us
from tests.builders import NOON


def before(step: str) -> sqlite3.Connection:
    """A database of the schema before that step, with one agent."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    steps = migrations.STEPS[: migrations.STEPS.index(step)]
    migrations.migrate(db, Path(":memory:"), now=NOON, steps=steps)
    now = to_us(NOON)
    db.execute(
        "INSERT INTO agents (id, name, kind, lifecycle, activity, since_at, origin, cwd, hosting, created_at)"
        " VALUES ('id-of-ada', 'ada', 'claude', 'asleep', 'unknown', ?, 'found', '/', 'shell', ?)",
        (now, now),
    )
    return db


def test_rows_are_counted_and_the_keys_of_unfinished_ones_go_on(tmp_path: Path):
    db, now = before("0007.sql"), to_us(NOON)
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


def test_what_waits_is_found_by_its_agent_also_where_an_end_was_noted_wrongly(tmp_path: Path):
    db, now = before("0017.sql"), to_us(NOON)
    for status, finished in (("pending", now), ("failed", None), ("completed", now)):
        db.execute(
            'INSERT INTO wakeup_requests (id, agent_id, "trigger", priority, status, scheduled_for, created_at,'
            " finished_at) VALUES (?, 'id-of-ada', 'goal', 75, ?, ?, ?, ?)",
            (status, status, now, now, finished),
        )
    migrations.migrate(db, tmp_path / "hive.db", now=NOON)
    assert [one.id for one in wakeups.unfinished_wakes(db, "id-of-ada")] == ["pending"]
    merged = wakeups.enqueue(db, NewWakeup("id-of-ada", Trigger.GOAL, NOON), "new", now=NOON)
    assert (merged.wakeup.id, merged.is_new) == ("pending", False)
    assert {one.id for one in wakeups.ended(db, 9)} == {"failed", "completed"}
    db.close()


def test_events_are_found_by_their_time_behind_the_step_that_leaves_most_out_of_the_index(tmp_path: Path):
    db = before("0019.sql")
    rows = [(to_us(NOON + timedelta(minutes=number)), f"e{number}") for number in range(1, 1001)]
    db.executemany(
        "INSERT INTO events (at, kind, severity, actor_kind, actor, text)"
        " VALUES (?, 'recovered', 'info', 'hive', 'hive', ?)",
        rows,
    )
    migrations.migrate(db, tmp_path / "hive.db", now=NOON)
    assert journal.seq_before(db, NOON + timedelta(minutes=500)) == 499
    assert journal.purge_events(db, before=NOON + timedelta(minutes=100), limit=500) == 99
    assert db.execute("SELECT count(*) FROM events").fetchone()[0] == 901
    db.close()


def test_a_limit_of_an_older_schema_is_kept_and_gives_way_to_a_record(tmp_path: Path):
    db, reset = before("0020.sql"), NOON + timedelta(hours=2)
    db.execute("INSERT INTO agent_limits VALUES ('id-of-ada', ?, ?, 'weekly')", (to_us(NOON), to_us(reset)))
    migrations.migrate(db, tmp_path / "hive.db", now=NOON)
    assert ledger.limits(db) == {"id-of-ada": (UsageLimit(reset, "weekly"), NOON)}
    ledger.put_limit(db, "id-of-ada", UsageLimit(reset, "", is_structured=True), said_at=NOON - timedelta(seconds=5))
    assert ledger.limits(db)["id-of-ada"][0].is_structured
    db.close()
